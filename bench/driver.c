/* The load driver of the benchmarks: one process, one thread, one epoll, many clients.
 *
 * It speaks POP3, LMTP and SMTP as a client, checks every reply (status, line ends, the octets against what LIST
 * announced, the number of lines), and prints one line of JSON. The first reply that is wrong ends the run: the
 * figure is then void, and the JSON says why. A run is bounded by a count or a time, and always by a deadline.
 *
 * With --hold it prints "begin" when all clients are ready and "end" when the work is done, and waits for a line on
 * its standard input after each, so that the caller can look at the server in between.
 *
 * All octets go through take() and give(), which speak TLS 1.3 where --tls asks for it. The driver names one cipher
 * suite and one group, so that every server pays for the same cryptography; with --resume each client shows the ticket
 * of its last session, and a server that does not take it makes the run void. Without OpenSSL's headers it is built
 * without -DWITH_TLS and refuses --tls.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

enum mode { SESSION, RETR, LARGE, IDLE, DELE, LMTP, SMTP, MODES };
static const char *const mode_names[MODES] = {"session", "retr", "large", "idle", "dele", "lmtp", "smtp"};

enum series_name { UNIT, SECURED, LOGIN, TO_STAT, TO_LIST, TO_UIDL, TO_DELE, TO_QUIT, SERIES };
static const char *const series_names[SERIES] = {"unit", "secured", "login", "stat", "list", "uidl", "dele", "quit"};

enum kind { POP_LINE, POP_MULTI, SMTP_REPLY };
enum tag { T_GREET, T_USER, T_PASS, T_STAT, T_LIST, T_UIDL, T_RETR, T_DELE, T_QUIT, T_HELLO, T_MAIL, T_DATA, T_SENT };

/* A reply that is waited for. `digit` is the first one of the SMTP code. */
struct expect {
    uint64_t sent;
    uint32_t number;
    uint8_t tag, kind;
    char digit;
};

/* Where a multi-line reply stands: at the start of a line, within one, after its leading dot, after dot and CR. */
enum body { NO_BODY, AT_START, IN_LINE, AFTER_DOT, AFTER_CR };

struct client {
    int fd;
    unsigned account;
    uint64_t born, mark;
    struct expect *ring;
    unsigned head, tail;
    char line[512];
    unsigned line_len;
    enum body body;
    char last;
    uint64_t octets, lines;
    char *out;
    size_t out_len, out_pos, out_cap;
    const char *big;
    size_t big_len, big_pos;
    uint32_t *sizes;
    unsigned messages, next;
    bool wants_write, wants_close, ready, busy;
#ifdef WITH_TLS
    SSL *tls;
    SSL_SESSION *ticket;
    bool shaking;
#endif
};

struct series {
    uint32_t *us;
    size_t n, cap;
};

static struct {
    enum mode mode;
    const char *host, *prefix, *password, *domain;
    int port, cpu;
    unsigned clients, accounts, first, start, window, recipients;
    uint64_t count, octets, messages;
    double seconds, deadline;
    bool hold, uidl, tls, resume;
} opt = {.host = "127.0.0.1", .prefix = "u", .password = "secret", .domain = "", .cpu = -1, .clients = 1,
         .accounts = 1, .window = 1, .recipients = 1, .octets = 4096, .seconds = 0, .deadline = 60};

static struct series series[SERIES];
static struct client *clients;
static unsigned ring_mask, open_clients, opened, opening, ready_clients;
static uint64_t started_units, units, octets_total, resumed, begun, ended, stop_at;
static char spoken[80];
static bool stopped, begun_yet, ended_yet;
static char error_text[600];
static int poller;
static char *letter;
static size_t letter_len;
static char inbox[256 * 1024];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...) {
    if (!stopped) {
        va_list args;
        va_start(args, format);
        vsnprintf(error_text, sizeof error_text, format, args);
        va_end(args);
    }
    stopped = true;
}

static void *must(void *memory) {
    if (!memory) {
        fputs("driver: out of memory\n", stderr);
        exit(70);
    }
    return memory;
}

static void record(enum series_name name, uint64_t since) {
    struct series *s = &series[name];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->us = must(realloc(s->us, s->cap * sizeof *s->us));
    }
    s->us[s->n++] = (uint32_t)((now() - since) / 1000);
}

/* Say a word to the caller and wait until it has looked. */
static void announce(const char *word) {
    char answer[16];
    if (!opt.hold) return;
    printf("%s\n", word);
    fflush(stdout);
    if (!fgets(answer, sizeof answer, stdin)) fail("the caller went away");
}

/* ---- octets to and from a client's socket ---- */

#ifdef WITH_TLS
static SSL_CTX *context;

static int keep_ticket(SSL *tls, SSL_SESSION *ticket) {
    struct client *c = SSL_get_app_data(tls);
    if (c->ticket) SSL_SESSION_free(c->ticket);
    c->ticket = ticket;
    return 1;
}

/* Whom the certificate is from is not what is measured, and looking costs the driver as much as a signature. */
static int trust(X509_STORE_CTX *chain, void *unused) {
    (void)chain;
    (void)unused;
    return 1;
}

/* One suite and one group: what OpenSSL's own defaults come to, and no server's choice. */
static void prepare_tls(void) {
    context = must(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_cert_verify_callback(context, trust, NULL);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT); /* a record less to write and to read */
    SSL_CTX_set_read_ahead(context, 1);                             /* a record is one recv(), not two */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    if (!SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") || !SSL_CTX_set1_groups_list(context, "X25519"))
        fail("driver: OpenSSL does not know the suite or the group");
    if (!opt.resume) return;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
}

static void begin_tls(struct client *c) {
    c->tls = must(SSL_new(context));
    SSL_set_fd(c->tls, c->fd);
    SSL_set_app_data(c->tls, c);
    if (c->ticket) SSL_set_session(c->tls, c->ticket);
    SSL_set_connect_state(c->tls);
    c->shaking = true;
}

/* What recv() and send() would have told. */
static ssize_t tls_trouble(struct client *c, int result) {
    switch (SSL_get_error(c->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: return errno ? -1 : 0;
    default:
        fail("TLS: %s", ERR_reason_error_string(ERR_peek_error()));
        errno = EPROTO;
        return -1;
    }
}

/* Go on with the handshake; true when it is done. */
static bool is_secured(struct client *c) {
    if (!c->shaking) return true;
    ERR_clear_error();
    int result = SSL_do_handshake(c->tls);
    if (result != 1) {
        if (tls_trouble(c, result) >= 0) fail("the server closed the connection in the handshake");
        else if (errno != EAGAIN && errno != EINTR) fail("handshake: %s", strerror(errno));
        return false;
    }
    c->shaking = false;
    record(SECURED, c->born);
    if (SSL_session_reused(c->tls)) resumed++;
    else if (c->ticket) fail("the server did not resume the session");
    if (!*spoken) snprintf(spoken, sizeof spoken, "%s %s", SSL_get_version(c->tls), SSL_get_cipher(c->tls));
    return true;
}

static ssize_t take(struct client *c, char *into, size_t room) {
    size_t got = 0;
    if (!c->tls) return recv(c->fd, into, room, 0);
    while (room - got >= SSL3_RT_MAX_PLAIN_LENGTH) {
        ERR_clear_error();
        int n = SSL_read(c->tls, into + got, (int)(room - got));
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

/* Whether OpenSSL has read ahead of what was taken: epoll does not know of that. */
static bool has_more(struct client *c) { return c->tls && SSL_has_pending(c->tls); }

/* The end of the server's octets may have been read with the last of them: epoll does not tell of it again. */
static bool is_ended(struct client *c) { return c->tls && SSL_get_shutdown(c->tls) & SSL_RECEIVED_SHUTDOWN; }

static void end_tls(struct client *c) {
    if (!c->tls) return;
    SSL_shutdown(c->tls);
    SSL_free(c->tls);
    c->tls = NULL;
}
#else
static void prepare_tls(void) { fail("driver: built without TLS"); }
static void begin_tls(struct client *c) { (void)c; }
static bool is_secured(struct client *c) { return c != NULL; }
static ssize_t take(struct client *c, char *into, size_t room) { return recv(c->fd, into, room, 0); }
static ssize_t give(struct client *c, const char *from, size_t len) { return send(c->fd, from, len, MSG_NOSIGNAL); }
static bool has_more(struct client *c) { return c == NULL; }
static bool is_ended(struct client *c) { return c == NULL; }
static void end_tls(struct client *c) { (void)c; }
#endif

static void watch(struct client *c, bool write) {
    if (c->wants_write == write) return;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = c};
    c->wants_write = write;
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Write what is queued: the commands, then the big body. */
static void flush_out(struct client *c) {
    while (c->out_pos < c->out_len || c->big_pos < c->big_len) {
        bool small = c->out_pos < c->out_len;
        ssize_t n = small ? give(c, c->out + c->out_pos, c->out_len - c->out_pos)
                          : give(c, c->big + c->big_pos, c->big_len - c->big_pos);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n < 0) {
            if (errno == EINPROGRESS || errno == ENOTCONN) break;
            fail("write: %s", strerror(errno));
            return;
        }
        if (small) c->out_pos += (size_t)n;
        else c->big_pos += (size_t)n;
    }
    bool left = c->out_pos < c->out_len || c->big_pos < c->big_len;
    if (!left) c->out_pos = c->out_len = c->big_pos = c->big_len = 0;
    watch(c, left);
}

/* Queue octets; they are written by the flush_out() that follows the octets at hand. */
static void queue(struct client *c, const char *text, size_t len) {
    if (c->out_len + len > c->out_cap) {
        c->out_cap = (c->out_len + len) * 2;
        c->out = must(realloc(c->out, c->out_cap));
    }
    memcpy(c->out + c->out_len, text, len);
    c->out_len += len;
}

/* Queue a command. */
__attribute__((format(printf, 2, 3))) static void say(struct client *c, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    size_t len = (size_t)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    queue(c, text, len);
}

/* Queue a command with a number, as thousands of them are: printf would be a good part of what they cost here. */
static void say_number(struct client *c, const char *verb, uint32_t number) {
    char text[32], *end = text + sizeof text, *at = end;
    size_t len = strlen(verb);
    *--at = '\n';
    *--at = '\r';
    do *--at = (char)('0' + number % 10);
    while (number /= 10);
    at -= len;
    memcpy(at, verb, len);
    queue(c, at, (size_t)(end - at));
}

static void await_since(struct client *c, uint64_t sent, enum tag tag, enum kind kind, uint32_t number, char digit) {
    if (c->tail - c->head > ring_mask) {
        fail("driver: more replies are waited for than there is room");
        return;
    }
    c->ring[c->tail++ & ring_mask] =
        (struct expect){.sent = sent, .number = number, .tag = (uint8_t)tag, .kind = (uint8_t)kind, .digit = digit};
}

static void await(struct client *c, enum tag tag, enum kind kind, uint32_t number, char digit) {
    await_since(c, now(), tag, kind, number, digit);
}

/* ---- the dialogues ---- */

static bool may_start(void) {
    if (opt.count && started_units >= opt.count) return false;
    return !stop_at || now() < stop_at;
}

static bool is_delivery(void) { return opt.mode == LMTP || opt.mode == SMTP; }

static bool opens_many(void) { return opt.mode == SESSION || opt.mode == LARGE || opt.mode == DELE; }

static void quit(struct client *c) {
    c->mark = now();
    say(c, "QUIT\r\n");
    await(c, T_QUIT, is_delivery() ? SMTP_REPLY : POP_LINE, 0, '2');
}

static void begin_clock(void) {
    if (begun_yet) return;
    begun_yet = true;
    announce("begin");
    begun = now();
    if (opt.seconds > 0) stop_at = begun + (uint64_t)(opt.seconds * 1e9);
}

static void end_clock(void) {
    if (ended_yet) return;
    ended_yet = true;
    ended = now();
    announce("end");
}

static void ask_retr(struct client *c) {
    while (c->tail - c->head < opt.window && may_start()) {
        c->next = c->next % c->messages + 1;
        started_units++;
        say_number(c, "RETR ", c->next);
        await(c, T_RETR, POP_MULTI, c->next, 0);
    }
}

/* All of them in one go. The clock starts when the commands are ready: making them is not the server's work. */
static void ask_dele(struct client *c) {
    for (uint32_t number = 1; number <= c->messages; number++) say_number(c, "DELE ", number);
    c->mark = now();
    for (uint32_t number = 1; number <= c->messages; number++)
        await_since(c, c->mark, T_DELE, POP_LINE, number, 0);
}

static void send_mail(struct client *c) {
    if (!may_start()) return;
    c->mark = now();
    say(c, "MAIL FROM:<sender@bench.example>\r\n");
    await(c, T_MAIL, SMTP_REPLY, 0, '2');
    for (unsigned i = 0; i < opt.recipients; i++) {
        unsigned account = opt.first + (unsigned)((started_units * opt.recipients + i) % opt.accounts);
        say(c, "RCPT TO:<%s%u%s%s>\r\n", opt.prefix, account, *opt.domain ? "@" : "", opt.domain);
        await(c, T_MAIL, SMTP_REPLY, i, '2');
    }
    started_units++;
    say(c, "DATA\r\n");
    await(c, T_DATA, SMTP_REPLY, 0, '3');
}

static void send_letter(struct client *c) {
    unsigned replies = opt.mode == LMTP ? opt.recipients : 1;
    c->big = letter;
    c->big_len = letter_len;
    c->big_pos = 0;
    while (replies--) await(c, T_SENT, SMTP_REPLY, replies, '2');
}

static void unit_done(uint64_t since, uint64_t octets) {
    record(UNIT, since);
    units++;
    octets_total += octets;
}

static void go_on(struct client *c) {
    if (opt.mode == RETR) ask_retr(c);
    else if (is_delivery()) send_mail(c);
    if (c->head == c->tail && c->busy) {
        c->busy = false;
        if (--ready_clients == 0) {
            end_clock();
            for (unsigned i = 0; i < opt.clients; i++) {
                quit(&clients[i]);
                if (&clients[i] != c) flush_out(&clients[i]);
            }
        }
    }
}

/* A client that logs in once has done so: when all have, the work begins; for idle clients it was the work. */
static void is_ready(struct client *c) {
    c->ready = c->busy = true;
    opening--;
    if (opt.mode == IDLE) unit_done(c->born, 0);
    if (++ready_clients < opt.clients) return;
    begin_clock();
    for (unsigned i = 0; i < opt.clients && !stopped; i++) {
        go_on(&clients[i]);
        if (&clients[i] != c) flush_out(&clients[i]);
    }
}

static void stat_told(struct client *c) {
    c->messages = (unsigned)strtoul(c->line + 3, NULL, 10);
    if (opt.messages && c->messages != opt.messages) {
        fail("STAT: %llu messages expected: %s", (unsigned long long)opt.messages, c->line);
        return;
    }
    record(TO_STAT, c->born);
    if (opt.mode == SESSION) quit(c);
    else {
        say(c, "LIST\r\n");
        await(c, T_LIST, POP_MULTI, 0, 0);
    }
}

static void logged_in(struct client *c) {
    record(LOGIN, c->born);
    if (opt.mode == IDLE) {
        is_ready(c);
    } else if (opt.mode == RETR) {
        say(c, "LIST\r\n");
        await(c, T_LIST, POP_MULTI, 0, 0);
    } else if (opt.mode == SESSION && opt.uidl) {
        say(c, "UIDL\r\n");
        await(c, T_UIDL, POP_MULTI, 0, 0);
    } else {
        say(c, "STAT\r\n");
        await(c, T_STAT, POP_LINE, 0, 0);
    }
}

static void listed(struct client *c, const struct expect *e) {
    if (opt.messages && c->lines != opt.messages) {
        fail("%s: %llu lines instead of %llu", e->tag == T_LIST ? "LIST" : "UIDL", (unsigned long long)c->lines,
             (unsigned long long)opt.messages);
    } else if (opt.mode == RETR) {
        c->messages = (unsigned)c->lines;
        if (!c->messages) fail("LIST: the drop is empty");
        else is_ready(c);
    } else if (e->tag == T_LIST) {
        record(TO_LIST, e->sent);
        if (opt.mode == DELE) {
            ask_dele(c);
            return;
        }
        say(c, "UIDL\r\n");
        await(c, T_UIDL, POP_MULTI, 0, 0);
    } else {
        record(TO_UIDL, e->sent);
        quit(c);
    }
}

static void retrieved(struct client *c, const struct expect *e) {
    if (c->octets != c->sizes[e->number]) {
        fail("RETR %u: %llu octets came, LIST told %u", e->number, (unsigned long long)c->octets, c->sizes[e->number]);
    } else if (c->octets < opt.octets) {
        fail("RETR %u: %llu octets, fewer than were put in", e->number, (unsigned long long)c->octets);
    } else {
        unit_done(e->sent, c->octets);
        go_on(c);
    }
}

static void deleted(struct client *c, const struct expect *e) {
    if (e->number != c->messages) return;
    record(TO_DELE, c->mark);
    quit(c);
}

/* The reply to `e` is whole and of the right kind. */
static void replied(struct client *c, const struct expect *e) {
    switch ((enum tag)e->tag) {
    case T_GREET:
        if (is_delivery()) {
            say(c, "%s driver.bench.example\r\n", opt.mode == LMTP ? "LHLO" : "EHLO");
            await(c, T_HELLO, SMTP_REPLY, 0, '2');
        } else {
            say(c, "USER %s%u\r\n", opt.prefix, c->account);
            await(c, T_USER, POP_LINE, 0, 0);
        }
        break;
    case T_USER:
        say(c, "PASS %s\r\n", opt.password);
        await(c, T_PASS, POP_LINE, 0, 0);
        break;
    case T_PASS: logged_in(c); break;
    case T_STAT: stat_told(c); break;
    case T_LIST:
    case T_UIDL: listed(c, e); break;
    case T_RETR: retrieved(c, e); break;
    case T_DELE: deleted(c, e); break;
    case T_HELLO: is_ready(c); break;
    case T_MAIL: break;
    case T_DATA: send_letter(c); break;
    case T_SENT:
        if (e->number == 0) {
            unit_done(c->mark, opt.octets);
            go_on(c);
        }
        break;
    case T_QUIT:
        record(TO_QUIT, c->mark);
        if (opens_many()) unit_done(c->born, 0);
        c->wants_close = true;
        break;
    }
}

/* ---- replies out of octets ---- */

/* A line of LIST in a drop whose messages will be retrieved: remember the size. */
static void remember_size(struct client *c) {
    char *rest;
    unsigned long number = strtoul(c->line, &rest, 10), size = strtoul(rest, NULL, 10);
    if (number != c->lines + 1 || number > 1000000) {
        fail("LIST: %s", c->line);
        return;
    }
    if ((number & (number - 1)) == 0) c->sizes = must(realloc(c->sizes, 2 * (number + 1) * sizeof *c->sizes));
    c->sizes[number] = (uint32_t)size;
}

static size_t keep_line(struct client *c, const char *p, size_t n) {
    size_t room = sizeof c->line - 1 - c->line_len, used = n < room ? n : room;
    memcpy(c->line + c->line_len, p, used);
    c->line_len += (unsigned)used;
    c->line[c->line_len] = 0;
    return used;
}

static size_t in_line(struct client *c, const struct expect *e, const char *p, size_t n) {
    const char *end = memchr(p, '\n', n);
    size_t used = end ? (size_t)(end - p) + 1 : n;
    bool is_listing = opt.mode == RETR && e->tag == T_LIST;
    if (is_listing) keep_line(c, p, used);
    c->octets += used;
    if (end) {
        if ((used > 1 ? end[-1] : c->last) != '\r') fail("a line of the reply ends without CR");
        if (is_listing) remember_size(c);
        c->line_len = 0;
        c->lines++;
        c->body = AT_START;
    }
    c->last = p[used - 1];
    return used;
}

/* Part of a multi-line reply: gives how much of it was used. */
static size_t feed_body(struct client *c, const struct expect *e, const char *p, size_t n) {
    switch (c->body) {
    case AT_START:
        if (*p == '.') {
            c->body = AFTER_DOT;
            return 1;
        }
        c->body = IN_LINE;
        c->last = 0;
        return 0;
    case AFTER_DOT:
        c->body = *p == '\r' ? AFTER_CR : IN_LINE;
        return *p == '\r';
    case AFTER_CR:
        if (*p != '\n') {
            c->body = IN_LINE;
            c->octets++;
            c->last = '\r';
            return 0;
        }
        c->body = NO_BODY;
        c->head++;
        replied(c, e);
        return 1;
    default: return in_line(c, e, p, n);
    }
}

static const char *tag_name(const struct expect *e) {
    static const char *const names[] = {"greeting", "USER", "PASS",  "STAT", "LIST", "UIDL", "RETR",
                                        "DELE",     "QUIT", "hello", "MAIL", "DATA", "message"};
    return names[e->tag];
}

/* A reply line is whole. */
static void line_came(struct client *c, const struct expect *e) {
    if (e->kind == SMTP_REPLY) {
        if (c->line[0] != e->digit) fail("%s: %s", tag_name(e), c->line);
        else if (c->line_len > 3 && c->line[3] == '-') return;
    } else if (strncmp(c->line, "+OK", 3) != 0) {
        fail("%s: %s", tag_name(e), c->line);
    }
    if (stopped) return;
    if (e->kind == POP_MULTI) {
        c->body = AT_START;
        c->octets = c->lines = 0;
        return;
    }
    c->head++;
    replied(c, e);
}

static void feed(struct client *c, const char *p, size_t n) {
    while (n && !stopped) {
        struct expect e = c->ring[c->head & ring_mask];
        size_t used;
        if (c->head == c->tail) {
            fail("octets that nothing asked for: %.*s", (int)(n < 80 ? n : 80), p);
            return;
        }
        if (c->body != NO_BODY) {
            used = feed_body(c, &e, p, n);
        } else {
            const char *end = memchr(p, '\n', n);
            used = end ? (size_t)(end - p) + 1 : n;
            keep_line(c, p, used);
            if (end) {
                if (c->line_len < 2 || c->line[c->line_len - 2] != '\r') fail("%s: a line without CRLF", tag_name(&e));
                c->line_len -= c->line_len >= 2 ? 2 : c->line_len;
                c->line[c->line_len] = 0;
                line_came(c, &e);
                c->line_len = 0;
            }
        }
        p += used;
        n -= used;
    }
}

/* ---- connections ---- */

static void dial(struct client *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;
    inet_pton(AF_INET, opt.host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        fail("socket: %s", strerror(errno));
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->born = now();
    c->head = c->tail = c->line_len = 0;
    c->body = NO_BODY;
    c->wants_write = c->wants_close = false;
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        fail("connect: %s", strerror(errno));
        return;
    }
    if (opt.tls) {
        begin_tls(c);
        event.events |= EPOLLOUT; /* the client speaks first */
        c->wants_write = true;
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    open_clients++;
    await(c, T_GREET, is_delivery() ? SMTP_REPLY : POP_LINE, 0, '2');
}

static void dial_next(struct client *c) {
    if (opens_many()) {
        if (!may_start()) return;
        c->account = opt.first + (unsigned)((opt.start + started_units++) % opt.accounts);
    } else {
        c->account = opt.first + opened % opt.accounts;
        opened++;
        opening++;
    }
    dial(c);
}

static void hung_up(struct client *c) {
    if (!c->wants_close) {
        fail("the server closed the connection while a reply was due: %s", tag_name(&c->ring[c->head & ring_mask]));
        return;
    }
    end_tls(c);
    close(c->fd);
    c->fd = -1;
    open_clients--;
    if (opens_many()) dial_next(c);
}

/* Take what is there. False when there is nothing more to take. */
static bool hear(struct client *c) {
    ssize_t n = take(c, inbox, sizeof inbox);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n < 0) {
        fail("read: %s", strerror(errno));
    } else if (n == 0) {
        hung_up(c);
    } else {
        feed(c, inbox, (size_t)n);
        if (!stopped) flush_out(c);
        if (stopped || !is_ended(c)) return !stopped && has_more(c);
        hung_up(c);
    }
    return false;
}

static void serve(struct client *c, uint32_t events) {
    if (opt.tls && !is_secured(c)) {
        watch(c, false);
        return;
    }
    if (events & EPOLLOUT) flush_out(c);
    if (stopped || (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !has_more(c))) return;
    while (hear(c)) continue;
}

static void loop(void) {
    static struct epoll_event events[512];
    const unsigned at_once = opens_many() ? opt.clients : (opt.clients < 64 ? opt.clients : 64);
    uint64_t deadline = now() + (uint64_t)(opt.deadline * 1e9);
    unsigned next = 0;
    while (!stopped) {
        while (next < opt.clients && (opens_many() || opening < at_once) && !stopped) dial_next(&clients[next++]);
        if (next == opt.clients && open_clients == 0) break;
        int n = epoll_wait(poller, events, 512, 100);
        for (int i = 0; i < n && !stopped; i++) serve(events[i].data.ptr, events[i].events);
        if (now() > deadline) fail("not done after %.0f seconds", opt.deadline);
    }
}

/* ---- beginning and end ---- */

/* A letter of opt.octets octets with CRLF line ends, and the dot line that ends it. */
static void write_letter(void) {
    static const char head[] = "From: Sender <sender@bench.example>\r\nTo: Reader <reader@bench.example>\r\n"
                               "Subject: A letter of the benchmark\r\nDate: Mon, 02 Nov 2026 09:00:00 +0000\r\n"
                               "Message-ID: <letter@bench.example>\r\nMIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=us-ascii\r\n\r\n";
    static const char line[] = "The quick brown fox jumps over the lazy dog, and the dog does not mind it.\r\n";
    letter = must(malloc(opt.octets + 3));
    size_t at = sizeof head - 1;
    if (opt.octets < at + sizeof line) {
        fail("--octets is too small for a letter");
        return;
    }
    memcpy(letter, head, at);
    while (at < opt.octets) {
        size_t left = opt.octets - at, len = sizeof line - 1;
        if (left < 2 * len) len = left; /* the last line takes the rest; it is padded below */
        for (size_t i = 0; i < len; i++) letter[at + i] = line[i % (sizeof line - 3)];
        memcpy(letter + at + len - 2, "\r\n", 2);
        at += len;
    }
    memcpy(letter + at, ".\r\n", 3);
    letter_len = at + 3;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char letter_ = (unsigned char)*text;
        if (letter_ < 0x20 || letter_ > 0x7e) printf("\\u%04x", letter_);
        else if (letter_ == '"' || letter_ == '\\') printf("\\%c", letter_);
        else putchar(letter_);
    }
    putchar('"');
}

static void print_result(void) {
    double seconds = ended > begun ? (double)(ended - begun) / 1e9 : 0;
    printf("{\"mode\": \"%s\", \"units\": %llu, \"octets\": %llu, \"seconds\": %.6f, \"rate\": %.3f, \"errors\": %d, ",
           mode_names[opt.mode], (unsigned long long)units, (unsigned long long)octets_total, seconds,
           seconds > 0 ? (double)units / seconds : 0, stopped ? 1 : 0);
    printf("\"resumed\": %llu, \"tls\": \"%s\", ", (unsigned long long)resumed, spoken);
    printf("\"error\": ");
    print_text(error_text);
    printf(", \"series\": {");
    const char *comma = "";
    for (int i = 0; i < SERIES; i++) {
        struct series *s = &series[i];
        if (!s->n) continue;
        uint32_t first = s->us[0];
        qsort(s->us + 1, s->n - 1, sizeof *s->us, by_size);
        uint32_t later = s->n > 1 ? s->us[1 + (s->n - 1) / 2] : first; /* the median of all but the first */
        qsort(s->us, s->n, sizeof *s->us, by_size);
        printf("%s\"%s\": {\"n\": %zu, \"first_us\": %u, \"later_us\": %u, ", comma, series_names[i], s->n, first, later);
        printf("\"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}", s->us[s->n / 2], s->us[s->n * 99 / 100],
               s->us[s->n - 1]);
        comma = ", ";
    }
    printf("}}\n");
}

static void usage(void) {
    fputs("usage: driver session|retr|large|idle|dele|lmtp|smtp --port N [--host ADDRESS] [--cpu N] [--hold]\n"
          "  --clients N      connections at once          --count N     stop after N units\n"
          "  --seconds T      stop after T seconds         --deadline T  give up after T seconds\n"
          "  --prefix P       accounts are P0, P1, ...     --first N     the first of them\n"
          "  --accounts N     how many accounts            --password P\n"
          "  --start N        which of them a session mode begins with\n"
          "  --uidl           sessions ask UIDL, not STAT  --tls         TLS 1.3 from the first octet\n"
          "  --resume         with --tls: sessions after a client's first one show its ticket\n"
          "  --window N       RETR in the pipeline         --messages N  what STAT and LIST must tell\n"
          "  --octets N       of a letter; of a message at least\n"
          "  --recipients N   of a letter                  --domain D    of the recipients\n",
          stderr);
    exit(64);
}

enum { O_PORT = 1, O_HOST, O_CPU, O_CLIENTS, O_COUNT, O_SECONDS, O_DEADLINE, O_PREFIX, O_FIRST, O_ACCOUNTS, O_PASSWORD,
       O_WINDOW, O_MESSAGES, O_OCTETS, O_RECIPIENTS, O_DOMAIN, O_HOLD, O_START,
       O_UIDL, O_TLS, O_RESUME };

static void set_option(int option, const char *value) {
    switch (option) {
    case O_PORT: opt.port = atoi(value); break;
    case O_HOST: opt.host = value; break;
    case O_CPU: opt.cpu = atoi(value); break;
    case O_CLIENTS: opt.clients = (unsigned)atoi(value); break;
    case O_COUNT: opt.count = strtoull(value, NULL, 10); break;
    case O_SECONDS: opt.seconds = atof(value); break;
    case O_DEADLINE: opt.deadline = atof(value); break;
    case O_PREFIX: opt.prefix = value; break;
    case O_FIRST: opt.first = (unsigned)atoi(value); break;
    case O_ACCOUNTS: opt.accounts = (unsigned)atoi(value); break;
    case O_PASSWORD: opt.password = value; break;
    case O_WINDOW: opt.window = (unsigned)atoi(value); break;
    case O_MESSAGES: opt.messages = strtoull(value, NULL, 10); break;
    case O_OCTETS: opt.octets = strtoull(value, NULL, 10); break;
    case O_RECIPIENTS: opt.recipients = (unsigned)atoi(value); break;
    case O_DOMAIN: opt.domain = value; break;
    case O_HOLD: opt.hold = true; break;
    case O_START: opt.start = (unsigned)atoi(value); break;
    case O_UIDL: opt.uidl = true; break;
    case O_TLS: opt.tls = true; break;
    case O_RESUME: opt.tls = opt.resume = true; break;
    default: usage();
    }
}

static void read_options(int argc, char **argv) {
    static const struct option long_options[] = {
        {"port", 1, NULL, O_PORT},         {"host", 1, NULL, O_HOST},         {"cpu", 1, NULL, O_CPU},
        {"clients", 1, NULL, O_CLIENTS},   {"count", 1, NULL, O_COUNT},       {"seconds", 1, NULL, O_SECONDS},
        {"deadline", 1, NULL, O_DEADLINE}, {"prefix", 1, NULL, O_PREFIX},     {"first", 1, NULL, O_FIRST},
        {"accounts", 1, NULL, O_ACCOUNTS}, {"password", 1, NULL, O_PASSWORD}, {"window", 1, NULL, O_WINDOW},
        {"messages", 1, NULL, O_MESSAGES}, {"octets", 1, NULL, O_OCTETS},     {"recipients", 1, NULL, O_RECIPIENTS},
        {"domain", 1, NULL, O_DOMAIN},     {"hold", 0, NULL, O_HOLD},         {"start", 1, NULL, O_START},
        {"uidl", 0, NULL, O_UIDL},         {"tls", 0, NULL, O_TLS},           {"resume", 0, NULL, O_RESUME},
        {NULL, 0, NULL, 0}};
    int option, mode = 0;
    if (argc < 2) usage();
    while (mode < MODES && strcmp(argv[1], mode_names[mode])) mode++;
    if (mode == MODES) usage();
    opt.mode = (enum mode)mode;
    optind = 2;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) set_option(option, optarg);
    if (optind != argc || !opt.port || !opt.clients || !opt.accounts || !opt.window || !opt.recipients) usage();
    if (!opt.count && opt.seconds <= 0 && opt.mode != IDLE) opt.count = 1;
    if (opt.mode == DELE) opt.clients = 1;
}

static void prepare(void) {
    struct rlimit files;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (opt.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)opt.cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set)) perror("driver: sched_setaffinity");
    }
    unsigned ring = 16, need = opt.window + opt.recipients + 8;
    if (opt.mode == DELE) need += opt.messages ? (unsigned)opt.messages : 100000;
    while (ring < need) ring *= 2;
    ring_mask = ring - 1;
    clients = must(calloc(opt.clients, sizeof *clients));
    for (unsigned i = 0; i < opt.clients; i++) clients[i].ring = must(calloc(ring, sizeof *clients[i].ring));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (is_delivery()) write_letter();
    if (opt.tls) prepare_tls();
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    prepare();
    if (opens_many() || opt.mode == IDLE) begin_clock();
    loop();
    if (opens_many() && !stopped) end_clock();
    if (!ended) ended = now();
    if (!begun) begun = ended;
    print_result();
    return stopped;
}
