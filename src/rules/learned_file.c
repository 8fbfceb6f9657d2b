#include "rules/learned_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/test_run.h"

#define NEW_FILE "learned.test.yaml"
#define NEW_TEXT "# Replies that automark learned from (automark learn).\n"

void learned_file_done(struct learned_file *f)
{
    free(f->path);
    buf_free(&f->old);
    buf_free(&f->text);
    rules_tests_done(&f->tests);
    *f = (struct learned_file){ .path = NULL };
}

/* ---- which file ------------------------------------------------------------------------------ */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return xmemdup0(path, slash > path ? (size_t)(slash - path) : 1);
}

/* The path of a file of the same folder, written as the other one is. */
static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return slash ? xasprintf("%.*s/%s", (int)(slash - path), path, name) : xstrdup(name);
}

/* Tests of the folder, which other rules than these may own: then there are none for us. */
static void load_tests(const struct ruleset *rs, const char *folder, struct rules_tests *out)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    const struct rules_source src = { .paths = &folder, .npaths = 1 };
    if (rules_tests_load(&src, rs, out, &d) < 0)
        *out = (struct rules_tests){ .tests = NULL };
}

static const char *file_with_tests_of(const struct rules_tests *t, const struct rule *r)
{
    for (size_t i = t->ntests; i > 0; i--)
        if (t->tests[i - 1].other && strcmp(t->tests[i - 1].other, r->name) == 0)
            return t->tests[i - 1].place.file;
    return NULL;
}

static int read_old(struct learned_file *f, struct error *err)
{
    scoped(closep) int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    f->is_new = fd < 0 && errno == ENOENT && f->is_test_file;
    if (f->is_new)
        return 0;
    if (fd < 0 || buf_read_fd(&f->old, fd, YAML_BYTES_MAX) < 0)
        return error_sys(err, errno, "'%s' cannot be read", f->path);
    return 0;
}

static void take_test_file(struct learned_file *f, char *path)
{
    f->path = path;
    f->is_test_file = true;
}

static void choose_path(const struct ruleset *rs, const struct rule *r, bool keep,
                        struct learned_file *f)
{
    const char *near = r ? r->place.file : rs->files[0].path;
    scoped(freep) char *folder = folder_of(near);
    scoped(rules_tests_done) struct rules_tests tests = { .tests = NULL };
    load_tests(rs, folder, &tests);
    const char *file = r ? file_with_tests_of(&tests, r) : NULL;
    if (!keep && (r->ntests > 0 || !file)) {
        f->path = xstrdup(r->place.file);
        f->own = r;
    } else {
        const char *slash = file ? strrchr(file, '/') : NULL;
        take_test_file(f, beside(near, file ? (slash ? slash + 1 : file) : NEW_FILE));
    }
}

static const struct rule_test *find_known(const struct learned *l, const struct learned_file *f,
                                          const struct rule *expect)
{
    const struct rule_test *list = f->own ? f->own->tests : f->tests.tests;
    const size_t n = f->own ? f->own->ntests : f->tests.ntests;
    for (size_t i = 0; i < n; i++)
        if (learned_is(l, &list[i], f->own, expect))
            return &list[i];
    return NULL;
}

/* Mistakes of a file that is there already are told as its own. */
static int first_mistake(const struct diags *d, const char *file, struct error *err)
{
    const struct diag *g = d->count > 0 ? &d->list[0] : NULL;
    return error_set(err, ERR_INPUT, "%s:%u: %.300s", g && g->file ? g->file : file,
                     g ? g->line : 0, g ? g->msg : "it does not load");
}

int learned_file_choose(const struct ruleset *rs, const struct learned *l,
                        const struct rule *expect, struct learned_file *out, struct error *err)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    *out = (struct learned_file){ .path = NULL };
    choose_path(rs, expect ? expect : l->verdict.rule, !expect, out);
    out->expect = out->own ? NULL : expect ? expect->name : "keep";
    if (read_old(out, err) < 0)
        return -1;
    const struct rule_file file = { out->path, buf_str(&out->old), out->old.len };
    if (out->is_test_file && !out->is_new && rules_tests_parse(&file, rs, &out->tests, &d) < 0)
        return first_mistake(&d, out->path, err);
    out->known = find_known(l, out, expect);
    out->line = out->known ? out->known->place.line : 0;
    return 0;
}

/* ---- its new text ---------------------------------------------------------------------------- */

static const struct yaml_node *rule_in(const struct yaml_node *list, const char *name)
{
    for (size_t i = 0; list && i < yaml_count(list); i++) {
        const struct yaml_node *n = yaml_get(yaml_item(list, i), "name");
        if (n && yaml_kind(n) == YAML_SCALAR && strcmp(yaml_str(n, NULL), name) == 0)
            return yaml_item(list, i);
    }
    return NULL;
}

static int add_to_doc(const struct yaml_doc *doc, const struct learned_pairs *p,
                      struct learned_file *f, struct error *err)
{
    const struct yaml_node *root = yaml_root(doc), *map = root;
    if (root && f->own) {
        map = rule_in(yaml_get(root, "rules"), f->own->name);
        if (!map)
            map = rule_in(yaml_get(root, "guards"), f->own->name);
    }
    if (!map)
        return error_set(err, ERR_INPUT, "'%s' has no list to which it could be added", f->path);
    const struct yaml_node *tests = yaml_kind(map) == YAML_LIST ? map : yaml_get(map, "tests");
    if (tests)
        return yaml_add_item(doc, tests, p->list, p->count, &f->text, &f->line, err);
    return yaml_add_list(doc, map, "tests", p->list, p->count, &f->text, &f->line, err);
}

static void make_new(const struct learned_pairs *p, struct learned_file *f)
{
    buf_puts(&f->text, NEW_TEXT "tests:\n  - ");
    yaml_write_flow_map(&f->text, p->list, p->count);
    buf_putc(&f->text, '\n');
    f->line = 3;
}

static int make_text(const struct learned_pairs *p, struct learned_file *f, struct error *err)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    if (f->is_new) {
        make_new(p, f);
        return 0;
    }
    scoped(yaml_freep) struct yaml_doc *doc = yaml_parse(f->path, buf_str(&f->old), f->old.len, &d);
    return doc ? add_to_doc(doc, p, f, err) : first_mistake(&d, f->path, err);
}

/* The file as it will be, the others as they are. */
static struct ruleset *load_with(const struct ruleset *rs, const struct rules_source *src,
                                 const struct learned_file *f, struct error *err)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(freep) struct rule_file *files = xcalloc(rs->nfiles, sizeof(*files));
    for (size_t i = 0; i < rs->nfiles; i++) {
        files[i] = rs->files[i];
        if (f->text.len && strcmp(files[i].path, f->path) == 0)
            files[i] = (struct rule_file){ files[i].path, buf_str(&f->text), f->text.len };
    }
    struct ruleset *with = rules_load_files(files, rs->nfiles, src, &d);
    if (!with)
        first_mistake(&d, f->path, err);
    return with;
}

/* What rs was loaded from is what is edited here. */
static int same_bytes(const struct ruleset *rs, const struct learned_file *f, struct error *err)
{
    for (size_t i = 0; i < rs->nfiles; i++)
        if (strcmp(rs->files[i].path, f->path) == 0 &&
            (rs->files[i].len != f->old.len ||
             memcmp(rs->files[i].bytes, buf_str(&f->old), f->old.len) != 0))
            return error_set(err, ERR_INPUT, "'%s' was changed meanwhile", f->path);
    return 0;
}

int learned_file_add(const struct ruleset *rs, const struct rules_source *src,
                     const struct learned *l, struct learned_file *f, struct error *err)
{
    scoped(learned_pairs_done) struct learned_pairs p = { .list = NULL };
    bool passes = false;
    scoped(buf_free) struct buf expected = BUF_INIT;
    scoped(buf_free) struct buf got = BUF_INIT;
    if (f->known)
        return 0;
    learned_pairs(l, f->expect, &p);
    if (same_bytes(rs, f, err) < 0 || make_text(&p, f, err) < 0)
        return -1;
    return learned_file_run(rs, src, f, 0, &passes, &expected, &got, err);
}

/* ---- the test itself ------------------------------------------------------------------------- */

static const struct rule_test *test_at(const struct rule_test *list, size_t n, unsigned line)
{
    for (size_t i = n; i > 0; i--)
        if (list[i - 1].place.line == line)
            return &list[i - 1];
    return NULL;
}

static int run(const struct ruleset *rs, const struct rule *own, const struct rule_test *t,
               int64_t now_ms, bool *passes, struct buf *expected, struct buf *got)
{
    struct match_scratch *scratch = match_scratch_new();
    struct verdict v;
    *passes = rule_test_run(rs, scratch, own, t, now_ms, &v);
    rule_test_expected(expected, own, t);
    rule_test_got(got, &v);
    match_scratch_free(scratch);
    return 0;
}

int learned_file_run(const struct ruleset *rs, const struct rules_source *src,
                     const struct learned_file *f, int64_t now_ms, bool *passes,
                     struct buf *expected, struct buf *got, struct error *err)
{
    scoped(ruleset_unrefp) struct ruleset *with = load_with(rs, src, f, err);
    scoped(rules_tests_done) struct rules_tests tests = { .tests = NULL };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    if (!with)
        return -1;
    const struct rule *own = f->own ? ruleset_find(with, f->own->name) : NULL;
    const struct buf *text = f->text.len ? &f->text : &f->old;
    const struct rule_file file = { f->path, buf_str(text), text->len };
    if (!own && rules_tests_parse(&file, with, &tests, &d) < 0)
        return first_mistake(&d, f->path, err);
    const struct rule_test *t = own ? test_at(own->tests, own->ntests, f->line)
                                    : test_at(tests.tests, tests.ntests, f->line);
    if (!t)
        return error_set(err, ERR_INPUT, "the test is not found at line %u", f->line);
    return run(with, own, t, now_ms, passes, expected, got);
}
