#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "serve/watch.h"

static char root[] = "/tmp/automark-watch-XXXXXX";

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", root, name);
}

static void put(const char *name, const char *text)
{
    scoped(freep) char *path = path_of(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void point(const char *target, const char *name)
{
    scoped(freep) char *path = path_of(name);
    scoped(freep) char *other = xasprintf("%s.new", path);
    unlink(other);
    assert_int_equal(symlink(target, other), 0);
    assert_int_equal(rename(other, path), 0);
}

static void make_folder(const char *name)
{
    scoped(freep) char *path = path_of(name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_file(const char *name)
{
    scoped(freep) char *path = path_of(name);
    unlink(path);
}

/* A change is said once, one look after the look that saw it. */
static void expect_change(struct watch *w, const char *what)
{
    if (watch_changed(w))
        fail_msg("%s: said before it held still", what);
    if (!watch_changed(w))
        fail_msg("%s: not said", what);
    if (watch_changed(w))
        fail_msg("%s: said twice", what);
}

static void rename_over(void)
{
    put("rules/.a.yaml.swp", "editor");
    put("rules/new", "b");
    scoped(freep) char *from = path_of("rules/new");
    scoped(freep) char *to = path_of("rules/a.yaml");
    assert_int_equal(rename(from, to), 0);
}

static void write_in_place(void)
{
    put("rules/a.yaml", "written again, longer");
}

static void add_file(void)
{
    put("rules/b.yaml", "one more");
}

static void drop_file(void)
{
    remove_file("rules/b.yaml");
}

static void swap_link(void)
{
    point("version-2", "linked");
}

static void drop_single(void)
{
    remove_file("single.yaml");
}

static const struct {
    const char *name;
    void (*change)(void);
} rows[] = {
    { "an editor renames over a file", rename_over },
    { "a file is written in place", write_in_place },
    { "a file comes", add_file },
    { "a file goes", drop_file },
    { "a folder's link is swapped", swap_link },
    { "a file named by itself vanishes", drop_single },
};

static void test_changes(void **state)
{
    (void)state;
    make_folder("rules");
    make_folder("version-1");
    make_folder("version-2");
    put("rules/a.yaml", "a");
    put("version-1/x.yaml", "same");
    put("version-2/x.yaml", "same");
    put("single.yaml", "s");
    point("version-1", "linked");

    scoped(freep) char *rules = path_of("rules");
    scoped(freep) char *linked = path_of("linked");
    scoped(freep) char *single = path_of("single.yaml");
    const char *const paths[] = { rules, linked, single };
    struct watch w = { .paths = NULL };
    watch_reset(&w, paths, ARRAY_LEN(paths));
    assert_false(watch_changed(&w));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rows[i].change();
        expect_change(&w, rows[i].name);
    }
    put("rules/.hidden", "an editor's own file is no change");
    assert_false(watch_changed(&w));
    assert_false(watch_changed(&w));
    watch_done(&w);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
    (void)state;
    scoped(freep) char *command = xasprintf("rm -rf '%s'", root);
    return system(command); /* the folder is our own, made a moment ago */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, make_root, drop_root);
}
