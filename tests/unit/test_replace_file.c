/* A file is replaced whole or not at all, and stays whose it was. */
#include <dirent.h>
#include <fcntl.h>
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
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/replace_file.h"

static char folder[] = "/tmp/automark-replace-XXXXXX";
static char *file, *other;

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    file = xasprintf("%s/a.yaml", folder);
    other = xasprintf("%s/b.yaml", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(file);
    free(other);
    return rmdir(folder);
}

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void holds(const char *path, const char *want)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    scoped(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && buf_read_fd(&b, fd, 100) == 0);
    assert_string_equal(buf_str(&b), want);
}

static size_t files(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static int replace(const char *path, const char *old, const char *bytes, struct error *err)
{
    return replace_file(path, old, old ? strlen(old) : 0, bytes, strlen(bytes), err);
}

static void test_replaced_with_its_mode(void **state)
{
    (void)state;
    struct stat st;
    put(file, "old", 0640);
    assert_int_equal(replace(file, "old", "new bytes", NULL), 0);
    holds(file, "new bytes");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(files(), 1);
    unlink(file);
}

static void test_a_link_stays_one(void **state)
{
    (void)state;
    struct stat st;
    put(file, "old", 0644);
    assert_int_equal(symlink("a.yaml", other), 0);
    assert_int_equal(replace(other, "old", "new", NULL), 0);
    holds(file, "new");
    assert_int_equal(lstat(other, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink(file);
    unlink(other);
}

/* Whatever is in the way, the file is as it was and nothing lies beside it. */
static void test_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    put(file, "theirs", 0644);
    assert_int_equal(replace(file, "old", "new", &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.msg, "changed meanwhile"));
    assert_int_equal(replace(file, "theirs and more", "new", &err), -1);
    assert_int_equal(replace(file, "thei", "new", &err), -1);
    assert_int_equal(replace(file, NULL, "new", &err), -1); /* it exists */
    assert_int_equal(link(file, other), 0);
    assert_int_equal(replace(file, "theirs", "new", &err), -1);
    assert_non_null(strstr(err.msg, "hard links"));
    unlink(other);
    holds(file, "theirs");
    assert_int_equal(files(), 1);
    unlink(file);
    assert_int_equal(replace(file, "theirs", "new", &err), -1);
    assert_int_equal(files(), 0);
}

static void test_made(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(replace(file, NULL, "new", NULL), 0);
    holds(file, "new");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & S_IWOTH, 0); /* rules that anyone may write are refused */
    assert_int_equal(files(), 1);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced_with_its_mode),
        cmocka_unit_test(test_a_link_stays_one),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
