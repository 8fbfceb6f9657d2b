/* The one file that includes every library's header: it only asks for their versions. */
#include "cli/versions.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <curl/curl.h>
#include <json-c/json_c_version.h>
#include <libfyaml.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <stdio.h>
#include <utf8proc.h>

#include "cli/cli.h"
#include "rules/prefilter.h"

void versions_libraries(char *out, size_t size)
{
    char pcre2[64] = "?";
    pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    char vectorscan[16] = "?";
    (void)sscanf(prefilter_version(), "%15s", vectorscan); /* "5.4.9 2023-03-23" */
    snprintf(out, size,
             "libmicrohttpd %s, libcurl %s, json-c %s, PCRE2 %s, Vectorscan %s, libfyaml %s, "
             "utf8proc %s, "
             "SQLite %s, OpenSSL %s",
             MHD_get_version(), curl_version_info(CURLVERSION_NOW)->version, json_c_version(),
             pcre2, vectorscan, fy_library_version(), utf8proc_version(), sqlite3_libversion(),
             OpenSSL_version(OPENSSL_VERSION_STRING));
}

int versions_print(void)
{
    char libraries[512];
    versions_libraries(libraries, sizeof(libraries));
    printf("automark %s\n%s\n", AUTOMARK_VERSION, libraries);
    return EXIT_FINE;
}
