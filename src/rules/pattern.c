#include "rules/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "rules/pattern_mistake.h"
#include "rules/pattern_source.h"
#include "rules/prefilter.h"

/* Sources of the numbers: measured on PCRE2 10.42, see src/README.md. All limits but
 * the match limit concern the interpreter, which needs them: it is up to 10,000 times
 * slower than compiled code. */
#define NEST_MAX 50
#define JIT_STACK_LEAST (32 * 1024)
#define JIT_STACK_MOST (256 * 1024)
#define MATCH_LIMIT_JIT 100000
#define MATCH_LIMIT_INTERPRETER 10000
#define HEAP_LIMIT_KIB 1024
#define DEPTH_LIMIT 1000
/* The match limit starts anew at each start offset, so it does not bound the time of a
 * search. Therefore a search goes in slices, and the clock is looked at in between. */
#define SLICE_STARTS 512
/* (*SKIP) and (*COMMIT) say themselves where the search goes on, or that it ends, which
 * slices would undo. Such a search has one slice; what it does not find there is undecided. */
#define STEERED_STARTS 4096

/* The options of the pattern itself are put back for what follows it. */
#define DEFINE_BEGIN "(?(DEFINE)(?^im)(?-UJ)"
#define DEFINE_END ")"

struct pattern {
    pcre2_code *code;
    bool jit;
    bool anchored; /* needs no slices: there is one start */
    bool steered;
    size_t *marks; /* where they stand in what was compiled, ascending */
    size_t nmarks;
};

struct match_scratch {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    struct prefilter_scratch *prefilter;
    uint32_t options;
    int64_t until_ns; /* thread CPU time; 0: no clock */
    int64_t sure_ns;  /* monotonic time before which it cannot have come to that */
    char limit[32];
    const struct pattern *running;
    mark_passes *passes; /* NULL: no mark is asked about */
    void *passes_ctx;
};

/* ---- compiling ---- */

static pcre2_compile_context *compile_context_new(void)
{
    pcre2_compile_context *c = pcre2_compile_context_create(NULL);
    if (!c)
        abort(); /* out of memory, see alloc.h */
    pcre2_set_newline(c, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(c, NEST_MAX);
    return c;
}

static void compile_context_freep(pcre2_compile_context **c)
{
    pcre2_compile_context_free(*c);
}

static pcre2_code *compile(const struct buf *source, bool whole, int *code, size_t *at)
{
    scoped(compile_context_freep) pcre2_compile_context *context = compile_context_new();
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MULTILINE |
                       PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF;
    if (whole)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    return pcre2_compile((PCRE2_SPTR)buf_str(source), source->len, options, code, at, context);
}

static int compile_failed(const struct pattern_source *src, const char *source, size_t len,
                          int code, size_t out_at, size_t *at, struct error *err)
{
    PCRE2_UCHAR words[256];
    if (pcre2_get_error_message(code, words, sizeof(words)) < 0)
        memcpy(words, "bad pattern", sizeof("bad pattern"));
    const bool in_definitions = out_at > src->out.len;
    const size_t folded_at = src->origin[in_definitions ? src->out.len : out_at];
    *at = in_definitions ? 0 : pattern_source_at(source, len, pattern_blamed(src, code, folded_at));
    const char *more = in_definitions ? NULL : pattern_advice(code);
    return error_set(err, ERR_INPUT, "%s%s%s%s", in_definitions ? "in the definitions: " : "",
                     (const char *)words, more ? "; " : "", more ? more : "");
}

/* What PCRE2 would compile, were there no definitions: mistakes in it must not be hidden,
 * or moved, by what is appended. References to groups that are not there are no mistake. */
static int check_alone(const struct pattern_source *src, const char *source, size_t len, size_t *at,
                       struct error *err)
{
    int code = 0;
    size_t out_at = 0;
    pcre2_code *alone = compile(&src->out, false, &code, &out_at);
    pcre2_code_free(alone);
    if (alone || code == PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE)
        return 0;
    return compile_failed(src, source, len, code, out_at, at, err);
}

static void append_definitions(struct buf *out, const struct pattern_source *src,
                               const struct pattern_source *definitions)
{
    if (src->quote_open)
        buf_puts(out, "\\E");
    if (src->comment_open)
        buf_putc(out, '\n');
    buf_puts(out, DEFINE_BEGIN);
    buf_append(out, buf_str(&definitions->out), definitions->out.len);
    buf_puts(out, DEFINE_END);
}

static int check_names(const struct pattern_source *src, const struct pattern_source *definitions,
                       const char *source, size_t len, size_t *at, struct error *err)
{
    for (size_t i = 0; i < src->nnames; i++) {
        const struct pattern_name *n = &src->names[i];
        if (n->reference || !pattern_source_defines(definitions, src, n))
            continue;
        *at = pattern_source_at(source, len, n->at);
        return error_set(err, ERR_INPUT, "the group's name '%.*s' is that of a definition",
                         (int)n->len, src->folded.data + n->at);
    }
    return 0;
}

static bool uses_definitions(const struct pattern_source *src, const char *definitions)
{
    return definitions && src->nnames > 0;
}

/* What PCRE2 gets: src, and the definitions when it has names at all. */
static void join_definitions(struct buf *out, const struct pattern_source *src,
                             const struct pattern_source *definitions)
{
    buf_append(out, buf_str(&src->out), src->out.len);
    if (definitions)
        append_definitions(out, src, definitions);
}

void pattern_source_joined(struct buf *out, const char *source, const char *definitions)
{
    scoped(pattern_source_done) struct pattern_source src = PATTERN_SOURCE_INIT;
    scoped(pattern_source_done) struct pattern_source defined = PATTERN_SOURCE_INIT;
    pattern_source_read(&src, source, strlen(source));
    const bool used = uses_definitions(&src, definitions);
    if (used)
        pattern_source_read(&defined, definitions, strlen(definitions));
    join_definitions(out, &src, used ? &defined : NULL);
}

static pcre2_code *compile_source(const struct pattern_source *src, const char *source, size_t len,
                                  bool whole, const char *definitions, size_t *at,
                                  struct error *err)
{
    scoped(buf_free) struct buf all = BUF_INIT;
    scoped(pattern_source_done) struct pattern_source defined = PATTERN_SOURCE_INIT;
    const bool used = uses_definitions(src, definitions);
    if (used) {
        pattern_source_read(&defined, definitions, strlen(definitions));
        if (check_alone(src, source, len, at, err) < 0 ||
            check_names(src, &defined, source, len, at, err) < 0)
            return NULL;
    }
    join_definitions(&all, src, used ? &defined : NULL);
    int code = 0;
    size_t out_at = 0;
    pcre2_code *compiled = compile(&all, whole, &code, &out_at);
    if (!compiled)
        (void)compile_failed(src, source, len, code, out_at, at, err);
    return compiled;
}

static bool code_has(const pcre2_code *code, uint32_t what)
{
    uint32_t options = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    return (options & what) != 0;
}

static bool code_compiled(const pcre2_code *code)
{
    size_t bytes = 0;
    return pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &bytes) == 0 && bytes > 0;
}

static struct pattern *pattern_of(pcre2_code *code, const struct pattern_source *src)
{
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* may be forbidden: see pattern_has_jit */
    struct pattern *p = xcalloc(1, sizeof(*p));
    *p = (struct pattern){ .code = code,
                           .jit = code_compiled(code),
                           .anchored = code_has(code, PCRE2_ANCHORED),
                           .steered = src->steers };
    return p;
}

struct pattern *pattern_compile(const char *source, size_t len, bool whole, const char *definitions,
                                size_t *at, struct error *err)
{
    *at = 0;
    if (len > PATTERN_BYTES_MAX) {
        error_set(err, ERR_INPUT, "the pattern is longer than %d bytes", PATTERN_BYTES_MAX);
        return NULL;
    }
    scoped(pattern_source_done) struct pattern_source src = PATTERN_SOURCE_INIT;
    pattern_source_read(&src, source, len);
    if (src.refused) {
        *at = pattern_source_at(source, len, src.refused_at);
        error_set(err, ERR_INPUT, "%s", src.refused);
        return NULL;
    }
    pcre2_code *code = compile_source(&src, source, len, whole, definitions, at, err);
    return code ? pattern_of(code, &src) : NULL;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p->marks);
    free(p);
}

/* ---- marks ---- */

static int note_mark(pcre2_callout_enumerate_block *block, void *ctx)
{
    struct pattern *p = ctx;
    p->marks = xreallocarray(p->marks, p->nmarks + 1, sizeof(*p->marks));
    p->marks[p->nmarks++] = block->pattern_position;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* What is repeated, (a|b){3}, stands in the code more than once. */
static void number_marks(struct pattern *p)
{
    size_t kept = 0;
    (void)pcre2_callout_enumerate(p->code, note_mark, p);
    if (p->nmarks > 0)
        qsort(p->marks, p->nmarks, sizeof(*p->marks), by_place);
    for (size_t i = 0; i < p->nmarks; i++)
        if (i == 0 || p->marks[i] != p->marks[i - 1])
            p->marks[kept++] = p->marks[i];
    p->nmarks = kept;
}

struct pattern *pattern_compile_marked(const char *source, bool whole, const char *definitions)
{
    struct error err = ERROR_INIT;
    size_t at = 0;
    const size_t len = strlen(source);
    scoped(pattern_source_done) struct pattern_source src = PATTERN_SOURCE_INIT;
    pattern_source_read(&src, source, len);
    pcre2_code *code = compile_source(&src, source, len, whole, definitions, &at, &err);
    if (!code)
        return NULL;
    struct pattern *p = pattern_of(code, &src);
    number_marks(p);
    return p;
}

size_t pattern_marks(const struct pattern *p)
{
    return p->nmarks;
}

static int at_mark(pcre2_callout_block *block, void *ctx)
{
    const struct match_scratch *s = ctx;
    const struct pattern *p = s->running;
    const size_t at = block->pattern_position;
    const size_t *hit = bsearch(&at, p->marks, p->nmarks, sizeof(*p->marks), by_place);
    return hit && !s->passes(s->passes_ctx, (size_t)(hit - p->marks));
}

void match_scratch_marks(struct match_scratch *s, mark_passes *passes, void *ctx)
{
    s->passes = passes;
    s->passes_ctx = ctx;
    (void)pcre2_set_callout(s->context, passes ? at_mark : NULL, s);
}

static const struct pattern_name *missing_group(const struct pattern_source *src,
                                                const struct pattern_source *defined)
{
    for (size_t i = 0; i < src->nnames; i++) {
        const struct pattern_name *n = &src->names[i];
        if (n->reference && !pattern_source_defines(src, src, n) &&
            !pattern_source_defines(defined, src, n))
            return n;
    }
    return NULL;
}

bool pattern_missing_group(const char *source, size_t len, const char *definitions, char name[64],
                           size_t *at)
{
    scoped(pattern_source_done) struct pattern_source src = PATTERN_SOURCE_INIT;
    scoped(pattern_source_done) struct pattern_source defined = PATTERN_SOURCE_INIT;
    pattern_source_read(&src, source, len);
    pattern_source_read(&defined, definitions ? definitions : "",
                        definitions ? strlen(definitions) : 0);
    const struct pattern_name *missing = missing_group(&src, &defined);
    if (!missing)
        return false;
    const char *words = src.folded.data + missing->at;
    const size_t n = utf8_cut(words, missing->len, 63);
    memcpy(name, words, n);
    name[n] = '\0';
    *at = pattern_source_at(source, len, missing->at);
    return true;
}

size_t pattern_least_chars(const struct pattern *p)
{
    uint32_t least = 0;
    (void)pcre2_pattern_info(p->code, PCRE2_INFO_MINLENGTH, &least);
    return least;
}

bool pattern_has_jit(const struct pattern *p)
{
    return p->jit;
}

/* ---- matching ---- */

struct match_scratch *match_scratch_new(void)
{
    struct match_scratch *s = xcalloc(1, sizeof(*s));
    s->context = pcre2_match_context_create(NULL);
    s->data = pcre2_match_data_create(1, NULL);
    if (!s->context || !s->data)
        abort(); /* out of memory, see alloc.h */
    pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
    /* NULL where there is no JIT: then nothing uses it */
    s->stack = pcre2_jit_stack_create(JIT_STACK_LEAST, JIT_STACK_MOST, NULL);
    if (s->stack)
        pcre2_jit_stack_assign(s->context, NULL, s->stack);
    s->prefilter = prefilter_scratch_new();
    return s;
}

void match_scratch_free(struct match_scratch *s)
{
    if (!s)
        return;
    prefilter_scratch_free(s->prefilter);
    pcre2_jit_stack_free(s->stack);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    free(s);
}

struct prefilter_scratch *match_scratch_prefilter(struct match_scratch *s)
{
    return s->prefilter;
}

void match_scratch_interpret(struct match_scratch *s)
{
    s->options |= PCRE2_NO_JIT;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void match_budget_start(struct match_scratch *s, int64_t budget_ms)
{
    s->until_ns = 0;
    if (budget_ms <= 0)
        return;
    s->until_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + budget_ms * 1000000;
    s->sure_ns = now_ns(CLOCK_MONOTONIC) + budget_ms * 1000000;
}

/* A thread uses no more CPU time than time passes, and the monotonic clock costs a
 * fraction of the other, which is a system call. */
static bool budget_spent(struct match_scratch *s)
{
    if (s->until_ns == 0)
        return false;
    const int64_t now = now_ns(CLOCK_MONOTONIC);
    if (now < s->sure_ns)
        return false;
    const int64_t left = s->until_ns - now_ns(CLOCK_THREAD_CPUTIME_ID);
    s->sure_ns = now + left;
    return left <= 0;
}

static enum answer undecided(struct match_scratch *s, const char *limit)
{
    (void)snprintf(s->limit, sizeof(s->limit), "%s", limit);
    return ANSWER_UNDECIDED;
}

/* Any error: a limit, or something that we do not know. Both mean that we cannot tell. */
static enum answer match_failed(struct match_scratch *s, int code)
{
    switch (code) {
    case PCRE2_ERROR_MATCHLIMIT:
        return undecided(s, "match limit");
    case PCRE2_ERROR_DEPTHLIMIT:
        return undecided(s, "depth limit");
    case PCRE2_ERROR_HEAPLIMIT:
        return undecided(s, "heap limit");
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return undecided(s, "stack limit");
    default:
        (void)snprintf(s->limit, sizeof(s->limit), "PCRE2 error %d", code);
        return ANSWER_UNDECIDED;
    }
}

static enum answer found(const struct match_scratch *s, size_t len, struct match_span *span)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->data);
    if (!span)
        return ANSWER_YES;
    const size_t end = at[1] <= len ? at[1] : len;
    /* \K can put the start behind the end */
    *span = (struct match_span){ .start = at[0] <= end ? at[0] : end, .end = end };
    return ANSWER_YES;
}

/* The start offset at which the slice after this one begins, always between characters;
 * behind the end when there is none. */
static size_t slice_next(const struct pattern *p, const char *subject, size_t len, size_t start)
{
    if (p->anchored)
        return len + 1;
    size_t next = start + (p->steered ? STEERED_STARTS : SLICE_STARTS);
    while (next < len && ((unsigned char)subject[next] & 0xC0) == 0x80)
        next++;
    return next <= len ? next : len + 1;
}

static void match_limit_set(const struct pattern *p, struct match_scratch *s)
{
    const bool jit = p->jit && !(s->options & PCRE2_NO_JIT);
    pcre2_set_match_limit(s->context, jit ? MATCH_LIMIT_JIT : MATCH_LIMIT_INTERPRETER);
}

enum answer pattern_match(const struct pattern *p, struct match_scratch *s, const char *subject,
                          size_t len, struct match_span *span)
{
    s->limit[0] = '\0';
    s->running = p;
    match_limit_set(p, s);
    for (size_t start = 0; start <= len;) {
        if (budget_spent(s))
            return undecided(s, "CPU budget");
        if (start > 0 && p->steered)
            return undecided(s, "long text");
        /* The whole subject each time: what is before the slice counts for \b, ^ and (?<=. */
        const size_t next = slice_next(p, subject, len, start);
        pcre2_set_offset_limit(s->context, next - 1);
        const int rc =
            pcre2_match(p->code, (PCRE2_SPTR)subject, len, start, s->options, s->data, s->context);
        if (rc >= 0)
            return found(s, len, span);
        if (rc != PCRE2_ERROR_NOMATCH)
            return match_failed(s, rc);
        start = next;
    }
    return ANSWER_NO;
}

const char *pattern_limit(const struct match_scratch *s)
{
    return s->limit;
}

/* A pattern that is found in all of these, the empty one among them, is found anywhere. */
bool pattern_matches_empty(const struct pattern *p)
{
    static const char *const texts[] = { "", "x", "7", ".", " ", "\n", "a b\n\nc" };
    struct match_scratch *s = match_scratch_new();
    bool found_in_all = true;
    for (size_t i = 0; i < ARRAY_LEN(texts) && found_in_all; i++)
        found_in_all = pattern_match(p, s, texts[i], strlen(texts[i]), NULL) == ANSWER_YES;
    match_scratch_free(s);
    return found_in_all;
}
