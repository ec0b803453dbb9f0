/* libmodsecurity over its C API: the requests of crates/waf/examples/instructions.rs, for the bench `waf`.
 *
 * modsecurity LIBRARY RULES-FOLDER get|query|form|json|json10|load COUNT [PARANOIA]
 *
 * Prints the CPU time of one request in nanoseconds. The library is opened at run time, so that no headers
 * are needed; `steady` is what valgrind counts.
 */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    int status;
    int pause;
    char *url;
    char *log;
    int disruptive;
} intervention_t;

static void *library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "libmodsecurity has no %s\n", name);
        exit(1);
    }
    return found;
}

#define CALL(result, name, ...) ((result(*)())symbol_of_##name)(__VA_ARGS__)
#define SYMBOLS(X)                                                                                         \
    X(msc_init) X(msc_create_rules_set) X(msc_rules_add) X(msc_rules_add_file) X(msc_new_transaction)        \
    X(msc_process_connection) X(msc_process_uri) X(msc_add_request_header) X(msc_process_request_headers)    \
    X(msc_append_request_body) X(msc_process_request_body) X(msc_process_response_headers)                   \
    X(msc_process_response_body) X(msc_process_logging) X(msc_intervention) X(msc_transaction_cleanup)       \
    X(msc_rules_cleanup)
#define DECLARE(name) static void *symbol_of_##name;
SYMBOLS(DECLARE)

static const char *SETUP =
    "SecRuleEngine On\nSecRequestBodyAccess On\n"
    "SecRule REQUEST_HEADERS:Content-Type \"^application/json\" "
    "\"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n";

static const char *BROWSER[][2] = {
    {"Host", "shop.example"},
    {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
    {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    {"Accept-Language", "en-US,en;q=0.5"},
    {"Accept-Encoding", "gzip, deflate, br"},
    {"Referer", "https://shop.example/catalog?page=2"},
    {"Cookie", "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; lang=en; cart=3"},
    {"Connection", "keep-alive"},
};

static const char *FORM =
    "name=Jane+Doe&email=jane%40example.org&street=Long+Street+12&city=Springfield&zip=12345"
    "&country=US&phone=%2B1+555+0100&note=Please+ring+twice&newsletter=yes&terms=accepted";

struct request {
    const char *target, *type, *body;
    int headers;
};

static struct request chosen(const char *kind) {
    static char json[16384];
    if (!strcmp(kind, "query"))
        return (struct request){"/search?q=garden+chair&page=2&sort=price&order=asc&lang=en&ref=home", "", "", 8};
    if (!strcmp(kind, "form"))
        return (struct request){"/account", "application/x-www-form-urlencoded", FORM, 8};
    if (!strcmp(kind, "json")) {
        strcpy(json, "{\"order\":1,\"items\":[");
        for (int item = 0; item < 14; item++)
            strcat(json, "{\"sku\":\"AB-1234\",\"title\":\"Garden chair\",\"count\":2,\"price\":49.9},");
        strcpy(json + strlen(json) - 1, "]}");
        return (struct request){"/orders", "application/json", json, 8};
    }
    if (!strcmp(kind, "json10")) {
        static const char *colours[] = {"red", "green", "blue", "white", "black", "grey", "brown"};
        static const char *things[] = {"chair", "table", "lamp", "shelf", "bench", "stool", "carpet", "mirror", "clock"};
        char *end = json + sprintf(json, "{\"order\":1,\"items\":[");
        for (int at = 0; at < 140; at++)
            end += sprintf(end, "{\"sku\":\"AB-%d\",\"title\":\"Large %s %s no %d\",\"count\":%d,\"price\":%d.9},",
                           1000 + at * 37, colours[at % 7], things[at % 9], at, at % 4, at % 90 + 5);
        strcpy(end - 1, "]}");
        return (struct request){"/orders", "application/json", json, 8};
    }
    return (struct request){"/", "", "", 3};
}

static int judge(void *engine, void *rules, const struct request *request) {
    void *one = CALL(void *, msc_new_transaction, engine, rules, NULL);
    CALL(int, msc_process_connection, one, "192.0.2.7", 50000, "192.0.2.1", 443);
    size_t length = strlen(request->body);
    CALL(int, msc_process_uri, one, request->target, length ? "POST" : "GET", "1.1");
    for (int at = 0; at < request->headers; at++)
        CALL(int, msc_add_request_header, one, BROWSER[at][0], BROWSER[at][1]);
    if (length) {
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", length);
        CALL(int, msc_add_request_header, one, "Content-Type", request->type);
        CALL(int, msc_add_request_header, one, "Content-Length", digits);
    }
    CALL(int, msc_process_request_headers, one);
    if (length)
        CALL(int, msc_append_request_body, one, request->body, length);
    CALL(int, msc_process_request_body, one);
    CALL(int, msc_process_response_headers, one, 200, "HTTP/1.1");
    CALL(int, msc_process_response_body, one);
    CALL(int, msc_process_logging, one);
    intervention_t intervention = {200, 0, NULL, NULL, 0};
    int stopped = CALL(int, msc_intervention, one, &intervention);
    CALL(void, msc_transaction_cleanup, one);
    return stopped;
}

__attribute__((noinline)) int steady(void *engine, void *rules, const struct request *request, int count) {
    int stopped = 0;
    for (int at = 0; at < count; at++)
        stopped += judge(engine, rules, request) != 0;
    return stopped;
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void add_file(void *rules, const char *path) {
    const char *error = NULL;
    if (CALL(int, msc_rules_add_file, rules, path, &error) < 0) {
        fprintf(stderr, "%s: %s\n", path, error ? error : "not read");
        exit(1);
    }
}

static void *load(const char *folder, const char *paranoia) {
    void *rules = CALL(void *, msc_create_rules_set);
    const char *error = NULL;
    CALL(int, msc_rules_add, rules, SETUP, &error);
    char text[4096];
    snprintf(text, sizeof text, "SecAction \"id:900001,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=%s\"\n", paranoia);
    CALL(int, msc_rules_add, rules, text, &error);
    snprintf(text, sizeof text, "%s/crs-setup.conf.example", folder);
    add_file(rules, text);
    snprintf(text, sizeof text, "%s/rules/*.conf", folder);
    glob_t files;
    if (glob(text, 0, NULL, &files) != 0)
        exit(1);
    for (size_t at = 0; at < files.gl_pathc; at++)
        add_file(rules, files.gl_pathv[at]);
    globfree(&files);
    return rules;
}

__attribute__((noinline)) void steady_loads(const char *folder, const char *paranoia, int count) {
    for (int at = 0; at < count; at++)
        CALL(int, msc_rules_cleanup, load(folder, paranoia));
}

int main(int argc, char **argv) {
    if (argc < 5 || !(library = dlopen(argv[1], RTLD_NOW))) {
        fprintf(stderr, "%s\n", argc >= 5 ? dlerror() : "LIBRARY RULES-FOLDER KIND COUNT [PARANOIA]");
        return 1;
    }
    const char *paranoia = argc > 5 ? argv[5] : "1";
#define FIND(name) symbol_of_##name = symbol(#name);
    SYMBOLS(FIND)
    void *engine = CALL(void *, msc_init);
    void *rules = load(argv[2], paranoia);
    struct request request = chosen(argv[3]);
    int count = atoi(argv[4]), stopped = steady(engine, rules, &request, 0);
    for (int at = 0; at < 10; at++)
        stopped += judge(engine, rules, &request) != 0;
    double before = cpu_ns();
    if (!strcmp(argv[3], "load"))
        steady_loads(argv[2], paranoia, count);
    else
        stopped += steady(engine, rules, &request, count);
    printf("%.0f\n", count ? (cpu_ns() - before) / count : 0.0);
    return stopped ? 2 : 0;
}
