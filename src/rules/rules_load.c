#include "rules/rules_load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "rules/gates.h"
#include "rules/loader.h"
#include "rules/pattern.h"
#include "rules/prefilter.h"

/* What the public struct does not show: the patterns, which no arena can free. */
struct owned_ruleset {
    struct ruleset rs; /* first: the one is the other */
    struct pattern **patterns;
    size_t npatterns;
};

/* ---- one file, one folder, all -------------------------------------------------- */

/* Definitions hold for a folder's later files, so they go when the folder changes. */
static void enter_folder_of(struct loader *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash - path) : 0;
    if (l->folder && strlen(l->folder) == len && strncmp(l->folder, path, len) == 0)
        return;
    l->folder = arena_text(l->arena, path, len);
    l->definitions = NULL;
    l->ndefinitions = 0;
}

/* What a file's root means: rules, or tests. */
typedef void root_fn(struct loader *l, const struct yaml_node *root);

static void load_file(struct loader *l, const char *path, root_fn *read)
{
    for (size_t i = 0; i < l->rs->nfiles; i++)
        if (strcmp(l->rs->files[i].path, path) == 0)
            return; /* named twice, or by its folder as well */
    struct error err = ERROR_INIT;
    const struct rule_file *f = loader_read(l, path, &err);
    if (!f) {
        error_at(&err, path, 0, 0);
        diags_add_error(l->diags, &err);
        l->names_lost = true;
        return;
    }
    enter_folder_of(l, path);
    scoped(yaml_freep) struct yaml_doc *doc = yaml_parse(f->path, f->bytes, f->len, l->diags);
    l->names_lost |= !doc;
    if (!doc)
        return;
    l->doc = doc;
    l->file = f->path;
    if (yaml_root(doc))
        read(l, yaml_root(doc));
    else
        diags_add(l->diags, DIAG_WARNING, path, 0, 0, NULL, "this file is empty");
    l->doc = NULL;
    l->file = NULL;
}

static void load_folder(struct loader *l, const char *path)
{
    scoped(loader_names_done) struct loader_names files = { .list = NULL };
    if (loader_folder(l, path, FOLDER_RULES, &files) < 0)
        return;
    for (size_t i = 0; i < files.count; i++)
        load_file(l, files.list[i], loader_rule_file);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void load_path(struct loader *l, const char *path)
{
    if (is_folder(path))
        load_folder(l, path);
    else if (rules_name_is_test(path))
        return; /* holds tests, no rules */
    else if (rules_name_is_yaml(path))
        load_file(l, path, loader_rule_file);
    else if (access(path, F_OK) < 0 && errno == ENOENT)
        diags_add(l->diags, DIAG_ERROR, path, 0, 0, NULL, "no such file or folder");
    else
        diags_add(l->diags, DIAG_ERROR, path, 0, 0, NULL,
                  "neither a folder nor a file whose name ends with .yaml or .yml");
}

/* ---- what can be said only of the whole set --------------------------------------- */

/* Names may be missing while a set with mistakes is looked at. */
static struct rule *find(const struct ruleset *rs, const char *name)
{
    for (size_t i = 0; i < rs->nguards; i++)
        if (rs->guards[i].name && strcmp(rs->guards[i].name, name) == 0)
            return &rs->guards[i];
    for (size_t i = 0; i < rs->nrules; i++)
        if (rs->rules[i].name && strcmp(rs->rules[i].name, name) == 0)
            return &rs->rules[i];
    return NULL;
}

/* Where a test says what it expects, three words mean no rule (word_too). */
static const char *nearest_rule(struct loader *l, const struct ruleset *rs, const char *name,
                                bool word_too)
{
    size_t count = rs->nguards + rs->nrules;
    const char **names = arena_array(l->arena, count + 3, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        const struct rule *r = i < rs->nguards ? &rs->guards[i] : &rs->rules[i - rs->nguards];
        names[i] = r->name ? r->name : "";
    }
    if (word_too) {
        names[count++] = "no-match";
        names[count++] = "keep";
        names[count++] = "look";
    }
    return yaml_nearest(name, names, count);
}

static void no_such_rule(struct loader *l, const struct ruleset *rs, const struct place *place,
                         const char *name, bool word_too)
{
    if (!diags_wants(l->diags, DIAG_ERROR)) {
        diags_count(l->diags, DIAG_ERROR);
        return;
    }
    const char *near = nearest_rule(l, rs, name, word_too);
    const char *advice = word_too ? word_advice(WORD_EXPECT, name) : NULL;
    if (advice)
        rules_diag(l->rs, l->diags, DIAG_ERROR, place, "there is no rule '%s'; %s", name, advice);
    else if (near)
        rules_diag(l->rs, l->diags, DIAG_ERROR, place, "there is no rule '%s'; did you mean '%s'?",
                   name, near);
    else
        rules_diag(l->rs, l->diags, DIAG_ERROR, place, "there is no rule '%s'", name);
}

static void check_refs(struct loader *l, const struct ruleset *rs)
{
    for (size_t i = 0; i < l->nrefs; i++) {
        const struct name_ref *ref = &l->refs[i];
        const struct rule *r = find(rs, ref->name);
        if (!r)
            no_such_rule(l, rs, &ref->place, ref->name, ref->kind == REF_EXPECT);
        else if (ref->kind == REF_KEPT_BY && r->then != THEN_KEEP)
            rules_diag(l->rs, l->diags, DIAG_ERROR, &ref->place,
                       "'%s' marks and cannot keep; write expect: %s", ref->name, ref->name);
    }
}

static void override_guard(struct loader *l, const struct rule_override *o, struct rule *r)
{
    if (o->hold_ms >= 0 || o->max_per_hour >= 0 || (o->state >= 0 && o->state != RULE_OFF))
        rules_diag(l->rs, l->diags, DIAG_ERROR, &o->place,
                   "'%s' is a guard: an override can only turn it off", o->rule);
    else if (o->state == RULE_OFF)
        r->state = RULE_OFF;
}

static void apply_overrides(struct loader *l)
{
    for (size_t i = 0; i < l->src->noverrides; i++) {
        const struct rule_override *o = &l->src->overrides[i];
        struct rule *r = find(l->rs, o->rule);
        if (!r && l->src->overrides_may_miss) {
            continue;
        } else if (!r) {
            no_such_rule(l, l->rs, &o->place, o->rule, false);
        } else if (r->guard) {
            override_guard(l, o, r);
        } else {
            r->state = o->state >= 0 ? (enum rule_state)o->state : r->state;
            r->hold_ms = o->hold_ms >= 0 ? o->hold_ms : r->hold_ms;
            r->max_per_hour = o->max_per_hour >= 0 ? o->max_per_hour : r->max_per_hour;
        }
    }
}

static void check_required(struct loader *l)
{
    for (size_t i = 0; i < l->src->nrequire_guards; i++) {
        const char *name = l->src->require_guards[i];
        const struct rule *r = find(l->rs, name);
        const struct place place =
            l->src->require_places ? l->src->require_places[i] : (struct place){ .file = NULL };
        const char *near = r ? NULL : nearest_rule(l, l->rs, name, false);
        if (!r || !r->guard)
            rules_diag(
                l->rs, l->diags, DIAG_ERROR, &place,
                "the guard '%s' is required (require_guards) and not among these rules%s%s%s", name,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        else if (r->state == RULE_OFF)
            rules_diag(l->rs, l->diags, DIAG_ERROR, &place,
                       "the guard '%s' is required (require_guards) and turned off", name);
    }
}

/* ---- version ------------------------------------------------------------------------ */

/* FNV-1a, 64 bits: the version tells sets apart, it protects against nobody. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (h ^ 0xFF) * UINT64_C(0x100000001b3); /* an end, so that "ab","c" is not "a","bc" */
}

/* A file's own name and not its path: the same rules are the same version everywhere. */
static void set_version(struct loader *l)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < l->rs->nfiles; i++) {
        const struct rule_file *f = &l->rs->files[i];
        const char *slash = strrchr(f->path, '/');
        const char *name = slash ? slash + 1 : f->path;
        h = hash(h, name, strlen(name));
        h = hash(h, f->bytes, f->len);
    }
    for (size_t i = 0; i < l->src->noverrides; i++) {
        const struct rule_override *o = &l->src->overrides[i];
        const int64_t numbers[] = { o->state, o->hold_ms, o->max_per_hour };
        h = hash(h, o->rule, strlen(o->rule));
        h = hash(h, numbers, sizeof(numbers));
    }
    snprintf(l->rs->version, sizeof(l->rs->version), "%016" PRIx64, h);
}

/* ---- the set ---------------------------------------------------------------------------- */

static void ruleset_destroy(struct ruleset *rs)
{
    struct owned_ruleset *o = (struct owned_ruleset *)rs;
    for (size_t i = 0; i < o->npatterns; i++)
        pattern_free(o->patterns[i]);
    prefilter_free(rs->prefilter);
    arena_free(rs->arena);
    free(o);
}

static void loader_init(struct loader *l, const struct rules_source *src, struct diags *d)
{
    struct owned_ruleset *o = xcalloc(1, sizeof(*o));
    *l = (struct loader){ .src = src, .diags = d, .rs = &o->rs, .arena = arena_new() };
    l->rs->arena = l->arena;
    atomic_init(&l->rs->refs, 1);
}

/* Without one the same verdicts come, slower. */
static void add_prefilter(struct loader *l)
{
    struct error err = ERROR_INIT;
    l->rs->prefilter = prefilter_new(l->rs, &err);
    if (l->rs->prefilter)
        l->rs->gates = gates_new(l->arena, l->rs);
    else
        l->rs->prefilter_trouble = arena_strdup(l->arena, err.msg);
}

/* The set, or NULL when reading added any error. */
static struct ruleset *finish(struct loader *l, size_t errors_before)
{
    struct ruleset *rs = l->rs;
    struct owned_ruleset *o = (struct owned_ruleset *)rs;
    o->patterns = l->patterns;
    o->npatterns = l->npatterns;
    rs->npatterns = (unsigned)l->npatterns;
    if (!l->names_lost) {
        check_refs(l, rs);
        apply_overrides(l);
        check_required(l);
    }
    if (l->diags->errors == errors_before) {
        if (rs->nguards + rs->nrules == 0 && !l->src->allow_empty)
            diags_add(l->diags, DIAG_ERROR, l->src->npaths > 0 ? l->src->paths[0] : NULL, 0, 0,
                      NULL, "there is not a single rule here");
        set_version(l);
    }
    if (l->diags->errors == errors_before && l->src->prefilter)
        add_prefilter(l);
    if (l->diags->errors == errors_before || l->partly)
        return rs;
    ruleset_destroy(rs);
    return NULL;
}

static void load_paths(struct loader *l, bool list_ignored)
{
    const struct rules_source *src = l->src;
    for (size_t i = 0; i < src->npaths; i++)
        load_path(l, src->paths[i]);
    for (size_t i = 0; i < src->npaths && list_ignored; i++)
        if (is_folder(src->paths[i]))
            (void)loader_folder(l, src->paths[i], FOLDER_IGNORED, NULL);
}

struct ruleset *rules_load(const struct rules_source *src, bool list_ignored, struct diags *d)
{
    struct loader l;
    const size_t errors = d->errors;
    loader_init(&l, src, d);
    load_paths(&l, list_ignored);
    return finish(&l, errors);
}

struct ruleset *rules_load_partly(const struct rules_source *src, bool *fine, struct diags *d)
{
    struct loader l;
    const size_t errors = d->errors;
    loader_init(&l, src, d);
    l.partly = true;
    load_paths(&l, true);
    struct ruleset *rs = finish(&l, errors);
    *fine = d->errors == errors;
    return rs;
}

struct ruleset *rules_load_files(const struct rule_file *files, size_t nfiles,
                                 const struct rules_source *src, struct diags *d)
{
    struct loader l;
    const size_t errors = d->errors;
    loader_init(&l, src, d);
    l.kept = files;
    l.nkept = nfiles;
    for (size_t i = 0; i < nfiles; i++)
        if (rules_name_is_yaml(files[i].path)) /* list files come in with who uses them */
            load_file(&l, files[i].path, loader_rule_file);
    return finish(&l, errors);
}

/* ---- test files ------------------------------------------------------------------------- */

static void read_test_file(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *tests = yaml_kind(root) == YAML_MAP ? yaml_get(root, "tests") : root;
    if (tests && yaml_kind(root) == YAML_MAP && yaml_count(root) != 1)
        yaml_diag(l->diags, DIAG_ERROR, root, "a test file has 'tests' and nothing else");
    else if (tests)
        loader_tests(l, tests, NULL, &l->tests, &l->ntests);
    else
        yaml_diag(l->diags, DIAG_ERROR, root, "a test file has 'tests', a list of maps");
}

static void load_tests_of(struct loader *l, const char *path)
{
    if (!is_folder(path)) {
        if (rules_name_is_test(path))
            load_file(l, path, read_test_file);
        return;
    }
    scoped(loader_names_done) struct loader_names files = { .list = NULL };
    if (loader_folder(l, path, FOLDER_TESTS, &files) < 0)
        return;
    for (size_t i = 0; i < files.count; i++)
        load_file(l, files.list[i], read_test_file);
}

int rules_tests_load(const struct rules_source *src, const struct ruleset *rs,
                     struct rules_tests *out, struct diags *d)
{
    struct loader l;
    const size_t errors = d->errors;
    loader_init(&l, src, d);
    for (size_t i = 0; i < src->npaths; i++)
        load_tests_of(&l, src->paths[i]);
    if (rs)
        check_refs(&l, rs);
    *out = (struct rules_tests){ .tests = l.tests, .ntests = l.ntests, .owner = l.rs };
    if (d->errors == errors)
        return 0;
    rules_tests_done(out);
    return -1;
}

int rules_tests_parse(const struct rule_file *file, const struct ruleset *rs,
                      struct rules_tests *out, struct diags *d)
{
    const struct rules_source none = { .npaths = 0 };
    struct loader l;
    const size_t errors = d->errors;
    loader_init(&l, &none, d);
    l.kept = file;
    l.nkept = 1;
    load_file(&l, file->path, read_test_file);
    check_refs(&l, rs);
    *out = (struct rules_tests){ .tests = l.tests, .ntests = l.ntests, .owner = l.rs };
    if (d->errors == errors)
        return 0;
    rules_tests_done(out);
    return -1;
}

void rules_tests_done(struct rules_tests *t)
{
    ruleset_unref(t->owner);
    *t = (struct rules_tests){ .tests = NULL };
}

/* ---- using a set ------------------------------------------------------------------------- */

struct ruleset *ruleset_ref(struct ruleset *rs)
{
    atomic_fetch_add_explicit(&rs->refs, 1, memory_order_relaxed);
    return rs;
}

void ruleset_unref(struct ruleset *rs)
{
    if (rs && atomic_fetch_sub_explicit(&rs->refs, 1, memory_order_acq_rel) == 1)
        ruleset_destroy(rs);
}

void ruleset_unrefp(struct ruleset **rs)
{
    ruleset_unref(*rs);
    *rs = NULL;
}

static const struct rule *named(const struct rule *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct rule *ruleset_find(const struct ruleset *rs, const char *name)
{
    const struct rule *guard = named(rs->guards, rs->nguards, name);
    return guard ? guard : named(rs->rules, rs->nrules, name);
}

const char *rule_state_name(enum rule_state s)
{
    static const char *const names[] = { "live", "shadow", "draft", "off" };
    return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}
