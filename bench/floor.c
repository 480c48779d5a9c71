/* The floor of the benchmarks: a server that answers POP3, LMTP and SMTP from memory and does nothing else.
 *
 * One process, one thread, one epoll. There are no passwords, no drops, no disk: every account whose name begins with a
 * group's prefix has that group's messages, all alike; DELE deletes nothing, and a delivery is forgotten when its last
 * dot has come. What it costs is what sockets, TLS and copying cost in C: nobody who keeps mail can be below it.
 *
 *     floor [--tls CERTIFICATE KEY] PREFIX:MESSAGES:OCTETS ...
 *
 * It prints its ports on 127.0.0.1, one a line, and then "ready". Built without -DWITH_TLS it has no pop3s.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

enum service { POP3, POP3S, LMTP, SMTP, SERVICES };
static const char *const service_names[SERVICES] = {"pop3", "pop3s", "lmtp", "smtp"};

enum { COPIED_UP_TO = 64 * 1024, MOST_GROUPS = 32, LINE_ROOM = 1024 };

/* A reply that is ready to be sent. */
struct text {
    char *at;
    size_t len, cap;
};

struct group {
    char prefix[32];
    struct text stat, list, uidl, message;
};

struct client {
    int fd;
    enum service service;
    const struct group *group;
    bool wants_write, closing, in_letter;
    unsigned recipients;
    char tail[4]; /* the last octets of the letter so far: its end may come in two pieces */
    unsigned tail_len;
    struct text in, out;
    size_t out_pos;
    const char *big;
    size_t big_left;
#ifdef WITH_TLS
    SSL *tls;
    bool shaking;
#endif
};

static struct group groups[MOST_GROUPS];
static unsigned group_count;
static int listeners[SERVICES], poller;
static char inbox[256 * 1024];

static void die(const char *what) {
    perror(what);
    exit(70);
}

static void append(struct text *t, const char *from, size_t len) {
    if (t->len + len > t->cap) {
        t->cap = (t->len + len) * 2;
        t->at = realloc(t->at, t->cap);
        if (!t->at) die("floor: realloc");
    }
    memcpy(t->at + t->len, from, len);
    t->len += len;
}

__attribute__((format(printf, 2, 3))) static void print(struct text *t, const char *format, ...) {
    char line[200];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    append(t, line, (size_t)len);
}

static void forget(struct text *t) {
    free(t->at);
    *t = (struct text){0};
}

/* ---- the mail ---- */

static void fill_message(struct text *t, unsigned long octets) {
    static const char line[] = "A letter is a joy for ever: it waits in its box, and is there for whoever comes.\r\n";
    print(t, "+OK %lu octets\r\n", octets);
    size_t end = t->len + octets;
    append(t, "Subject: nothing\r\n\r\n", 20);
    while (t->len + sizeof line - 1 + 2 <= end) append(t, line, sizeof line - 1);
    while (t->len + 2 < end) append(t, "x", 1);
    append(t, "\r\n.\r\n", 5);
}

static void add_group(const char *told) {
    struct group *g = &groups[group_count++];
    unsigned long messages, octets;
    if (group_count > MOST_GROUPS || sscanf(told, "%31[^:]:%lu:%lu", g->prefix, &messages, &octets) != 3) {
        fprintf(stderr, "floor: PREFIX:MESSAGES:OCTETS is wanted, at most %d times: %s\n", MOST_GROUPS, told);
        exit(64);
    }
    print(&g->stat, "+OK %lu %lu\r\n", messages, messages * octets);
    print(&g->list, "+OK\r\n");
    print(&g->uidl, "+OK\r\n");
    for (unsigned long number = 1; number <= messages; number++) {
        print(&g->list, "%lu %lu\r\n", number, octets);
        print(&g->uidl, "%lu %016lx%08x\r\n", number, number, 7u);
    }
    print(&g->list, ".\r\n");
    print(&g->uidl, ".\r\n");
    if (messages) fill_message(&g->message, octets);
}

static const struct group *group_of(const char *name) {
    size_t len = 0;
    while (isalpha((unsigned char)name[len])) len++;
    for (unsigned i = 0; i < group_count; i++)
        if (strlen(groups[i].prefix) == len && !strncmp(groups[i].prefix, name, len)) return &groups[i];
    return NULL;
}

/* ---- octets ---- */

#ifdef WITH_TLS
static SSL_CTX *context;

static void prepare_tls(const char *certificate, const char *key) {
    context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(70);
    }
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
}

static bool begin_tls(struct client *c) {
    c->tls = SSL_new(context);
    c->shaking = true;
    return c->tls && SSL_set_fd(c->tls, c->fd) && (SSL_set_accept_state(c->tls), true);
}

static ssize_t tls_trouble(struct client *c, int result) {
    switch (SSL_get_error(c->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
    }
}

static bool shake(struct client *c, int *done) {
    ERR_clear_error();
    int result = c->shaking ? SSL_do_handshake(c->tls) : 1;
    *done = result == 1 && c->shaking;
    if (result == 1) c->shaking = false;
    return result == 1 || (tls_trouble(c, result) < 0 && errno == EAGAIN);
}

static ssize_t take(struct client *c) {
    if (!c->tls) return recv(c->fd, inbox, sizeof inbox, 0);
    size_t got = 0;
    while (sizeof inbox - got >= SSL3_RT_MAX_PLAIN_LENGTH) {
        ERR_clear_error();
        int n = SSL_read(c->tls, inbox + got, (int)(sizeof inbox - got));
        if (n <= 0) return got ? (ssize_t)got : tls_trouble(c, n);
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static ssize_t give(struct client *c, const char *from, size_t len) {
    if (!c->tls) return send(c->fd, from, len, MSG_NOSIGNAL);
    ERR_clear_error();
    int n = SSL_write(c->tls, from, len < (1 << 20) ? (int)len : 1 << 20);
    return n > 0 ? n : tls_trouble(c, n);
}

static void end_tls(struct client *c) {
    if (!c->tls) return;
    SSL_shutdown(c->tls);
    SSL_free(c->tls);
}
#else
static ssize_t take(struct client *c) { return recv(c->fd, inbox, sizeof inbox, 0); }
static ssize_t give(struct client *c, const char *from, size_t len) { return send(c->fd, from, len, MSG_NOSIGNAL); }
static void end_tls(struct client *c) { (void)c; }
#endif

static void hang_up(struct client *c) {
    end_tls(c);
    close(c->fd);
    forget(&c->in);
    forget(&c->out);
    free(c);
}

/* Write what is queued. False when the client is gone. */
static bool flush_out(struct client *c) {
    while (c->out_pos < c->out.len || c->big_left) {
        bool small = c->out_pos < c->out.len;
        ssize_t n = small ? give(c, c->out.at + c->out_pos, c->out.len - c->out_pos) : give(c, c->big, c->big_left);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n < 0) return false;
        if (small) {
            c->out_pos += (size_t)n;
        } else {
            c->big += n;
            c->big_left -= (size_t)n;
        }
    }
    bool left = c->out_pos < c->out.len || c->big_left;
    if (!left) {
        forget(&c->out);
        c->out_pos = 0;
    }
    if (left != c->wants_write) {
        struct epoll_event event = {.events = EPOLLIN | (left ? EPOLLOUT : 0), .data.ptr = c};
        c->wants_write = left;
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    }
    return left || !c->closing;
}

/* ---- the dialogues ---- */

static void say(struct client *c, const char *text) { append(&c->out, text, strlen(text)); }

static void say_prepared(struct client *c, const struct text *text) {
    if (text->len <= COPIED_UP_TO) {
        append(&c->out, text->at, text->len);
    } else {
        c->big = text->at;
        c->big_left = text->len;
    }
}

static void pop3_command(struct client *c, const char *line) {
    static const struct group nobody = {.stat = {(char *)"+OK 0 0\r\n", 9, 0}};
    const struct group *g = c->group ? c->group : &nobody;
    if (!strncasecmp(line, "RETR", 4) && g->message.len) say_prepared(c, &g->message);
    else if (!strncasecmp(line, "STAT", 4)) say_prepared(c, &g->stat);
    else if (!strncasecmp(line, "LIST", 4) && g->list.len) say_prepared(c, &g->list);
    else if (!strncasecmp(line, "UIDL", 4) && g->uidl.len) say_prepared(c, &g->uidl);
    else if (!strncasecmp(line, "DELE", 4)) say(c, "+OK deleted\r\n");
    else if (!strncasecmp(line, "USER ", 5)) {
        c->group = group_of(line + 5);
        say(c, "+OK\r\n");
    } else if (!strncasecmp(line, "PASS", 4)) say(c, "+OK logged in\r\n");
    else if (!strncasecmp(line, "QUIT", 4)) {
        say(c, "+OK bye\r\n");
        c->closing = true;
    } else say(c, "-ERR what?\r\n");
}

static void smtp_command(struct client *c, const char *line) {
    if (!strncasecmp(line, "RCPT", 4)) {
        c->recipients++;
        say(c, "250 2.1.5 OK\r\n");
    } else if (!strncasecmp(line, "MAIL", 4)) {
        c->recipients = 0;
        say(c, "250 2.1.0 OK\r\n");
    } else if (!strncasecmp(line, "DATA", 4)) {
        c->in_letter = true;
        memcpy(c->tail, "\r\n", 2);
        c->tail_len = 2;
        say(c, "354 go on\r\n");
    } else if (!strncasecmp(line, "QUIT", 4)) {
        say(c, "221 2.0.0 bye\r\n");
        c->closing = true;
    } else say(c, "250-floor.bench.example\r\n250 PIPELINING\r\n");
}

/* The letter goes on: how many octets of it are here, and whether that was its end. */
static size_t letter_part(struct client *c, const char *p, size_t n, bool *ended) {
    static const char end[] = "\r\n.\r\n";
    char seam[8];
    size_t more = n < 4 ? n : 4, seam_len = c->tail_len + more;
    memcpy(seam, c->tail, c->tail_len);
    memcpy(seam + c->tail_len, p, more);
    const char *found = memmem(seam, seam_len, end, 5);
    *ended = true;
    if (found) return (size_t)(found - seam) + 5 - c->tail_len;
    if ((found = memmem(p, n, end, 5))) return (size_t)(found - p) + 5;
    *ended = false;
    if (n >= 4) {
        memcpy(c->tail, p + n - 4, 4);
        c->tail_len = 4;
    } else {
        size_t kept = seam_len < 4 ? seam_len : 4;
        memmove(c->tail, seam + seam_len - kept, kept);
        c->tail_len = (unsigned)kept;
    }
    return n;
}

static void letter_came(struct client *c) {
    unsigned replies = c->service == LMTP ? c->recipients : 1;
    c->in_letter = false;
    while (replies--) say(c, "250 2.0.0 forgotten\r\n");
}

/* Answer what is there: gives how much was used. A large reply on its way holds back the commands after it. */
static size_t answer(struct client *c, const char *p, size_t n) {
    const char *begin = p, *end = p + n;
    char line[LINE_ROOM];
    while (p < end && !c->big_left && !c->closing) {
        if (c->in_letter) {
            bool ended;
            p += letter_part(c, p, (size_t)(end - p), &ended);
            if (ended) letter_came(c);
            continue;
        }
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) break;
        size_t len = (size_t)(stop - p) < sizeof line - 1 ? (size_t)(stop - p) : sizeof line - 1;
        memcpy(line, p, len);
        line[len] = 0;
        if (c->service == LMTP || c->service == SMTP) smtp_command(c, line);
        else pop3_command(c, line);
        p = stop + 1;
    }
    return (size_t)(p - begin);
}

/* New octets, or none, after those that were left. False when the client is gone. */
static bool go_on(struct client *c, const char *p, size_t n) {
    if (c->in.len) {
        append(&c->in, p, n);
        size_t used = answer(c, c->in.at, c->in.len);
        memmove(c->in.at, c->in.at + used, c->in.len - used);
        c->in.len -= used;
        if (!c->in.len) forget(&c->in);
    } else {
        size_t used = answer(c, p, n);
        if (used < n) append(&c->in, p + used, n - used);
    }
    return flush_out(c);
}

static void greet(struct client *c) {
    say(c, c->service == LMTP || c->service == SMTP ? "220 floor.bench.example\r\n" : "+OK floor\r\n");
}

/* False when the client is gone. */
static bool serve(struct client *c, uint32_t events) {
#ifdef WITH_TLS
    if (c->tls && c->shaking) {
        int done;
        if (!shake(c, &done)) return false;
        if (!done) return true;
        greet(c);
        if (!flush_out(c)) return false;
    }
#endif
    if (events & EPOLLOUT) {
        if (!flush_out(c)) return false;
        if (!c->big_left && c->in.len && !go_on(c, "", 0)) return false;
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return true;
    ssize_t n = take(c);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    return n > 0 && go_on(c, inbox, (size_t)n);
}

/* ---- listening ---- */

static void greet_new(enum service service) {
    int one = 1, fd;
    while ((fd = accept4(listeners[service], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (!c) die("floor: calloc");
        c->fd = fd;
        c->service = service;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
#ifdef WITH_TLS
        if (service == POP3S) {
            if (!begin_tls(c)) hang_up(c);
            continue;
        }
#endif
        greet(c);
        if (!flush_out(c)) hang_up(c);
    }
}

static void listen_for(enum service service) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listeners[service]};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 4096)) die("floor: listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    listeners[service] = fd;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    printf("%s %u\n", service_names[service], ntohs(address.sin_port));
}

int main(int argc, char **argv) {
    static struct epoll_event events[512];
    bool tls = argc > 3 && !strcmp(argv[1], "--tls");
    signal(SIGPIPE, SIG_IGN);
    for (int i = tls ? 4 : 1; i < argc; i++) add_group(argv[i]);
    poller = epoll_create1(EPOLL_CLOEXEC);
#ifdef WITH_TLS
    if (tls) prepare_tls(argv[2], argv[3]);
#else
    tls = false;
#endif
    for (int service = 0; service < SERVICES; service++)
        if (service != POP3S || tls) listen_for((enum service)service);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < n; i++) {
            int *listener = events[i].data.ptr;
            if (listener >= listeners && listener < listeners + SERVICES)
                greet_new((enum service)(listener - listeners));
            else if (!serve(events[i].data.ptr, events[i].events))
                hang_up(events[i].data.ptr);
        }
    }
}
