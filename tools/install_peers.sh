#!/bin/sh
# Sees that the real programs which the interop tests talk to are here.
#
# As root on Debian and its kin the missing ones are installed, quietly, without starting any service and without removing
# any package. Elsewhere the missing ones are named and their tests are skipped; under CI=true a missing one is a failure.
set -u

# PACKAGE:PROGRAM; a program is looked for on the PATH and in the places below. Or PACKAGE:/FILE, which may have * in it.
PEERS='
    curl:curl
    dovecot-core:dovecot
    dovecot-imapd:imap
    dovecot-lmtpd:lmtp
    dovecot-pop3d:pop3
    fail2ban:fail2ban-regex
    fetchmail:fetchmail
    getmail6:getmail
    gsasl:gsasl
    haproxy:haproxy
    ldap-utils:ldapmodify
    libssl-dev:/usr/include/openssl/ssl.h
    mpop:mpop
    msmtp:msmtp
    mutt:mutt
    nginx-light:nginx
    libnginx-mod-mail:nginx
    perl:perl
    postfix:smtp-source
    postgresql:initdb
    slapd:slapd
    sqlite3:sqlite3
    sslscan:sslscan
    strace:strace
    swaks:swaks
    systemd:systemd-analyze
    testssl.sh:testssl
    openssl:openssl
    libauthen-sasl-perl:/usr/share/perl5/Authen/SASL.pm
    libdigest-hmac-perl:/usr/share/perl5/Digest/HMAC_MD5.pm
    libio-socket-ssl-perl:/usr/share/perl5/IO/Socket/SSL.pm
    libpam-pwdfile:/lib/*/security/pam_pwdfile.so
    libnss-wrapper:/usr/lib/*/libnss_wrapper.so
'
# The standard library's own tests, which Debian ships apart from its interpreters.
SUITE='
import importlib.util, sys
if sys.base_prefix == "/usr" and importlib.util.find_spec("test") and not importlib.util.find_spec("test.test_poplib"):
    print("libpython%d.%d-testsuite" % sys.version_info[:2], end=" ")
'
# POP3 servers that push Dovecot's out: unpacked, with the libraries that the machine lacks, into a folder that the tests
# lay over /usr in a namespace of their own (tests/support/foreign_servers.py).
UNPACKED=${POSTANE_PEERS:-$HOME/.cache/postane-peers}
SERVERS='popa3d mailutils-pop3d courier-pop courier-authlib'
SERVERS_FILES='usr/sbin/popa3d usr/sbin/pop3d usr/lib/courier/courier/courierpop3d'
PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin:/usr/lib/dovecot:/usr/libexec/dovecot:/opt/homebrew/sbin"
for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done
POLICY=/usr/sbin/policy-rc.d

is_there() {
    case $1 in
        /*) for file in $1; do [ -e "$file" ] && return 0; done && return 1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing() {
    for peer in $PEERS; do
        is_there "${peer#*:}" || printf '%s ' "${peer%%:*}"
    done
    for python in .venv*/bin/python; do
        [ -x "$python" ] && "$python" -c "$SUITE" 2>/dev/null
    done
}

forbid_services() {
    # invoke-rc.d and systemd's helpers ask this program before they start anything; 101 means no.
    if [ -x "$POLICY" ]; then
        "$POLICY" postfix start >/dev/null 2>&1
        [ $? -eq 101 ] && return 0
        echo "$POLICY allows services to start: not installing" >&2
        return 1
    fi
    trap 'rm -f "$POLICY"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$POLICY" && chmod 755 "$POLICY"
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1
}

install() {
    log=$(mktemp) || return 1
    echo "installing: $*"
    forbid_services || return 1
    apt update || tail -n 5 "$log" >&2
    echo 'postfix postfix/main_mailer_type select Local only' | debconf-set-selections 2>/dev/null
    # One refused package (Postfix beside another mail server) must not keep the others away.
    if ! apt install --yes --no-install-recommends --no-remove "$@"; then
        for package in "$@"; do
            apt install --yes --no-install-recommends --no-remove "$package" ||
                { echo "$package:" && tail -n 3 "$log"; } >&2
        done
    fi
    rm -f "$log"
}

is_unpacked() {
    for file in $SERVERS_FILES; do [ -e "$UNPACKED/$file" ] || return 1; done
}

needed_by_servers() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
        $SERVERS | grep '^lib[a-z0-9.+-]*$' | sort -u | while read -r package; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done
}

unpack() {
    folder=$(mktemp -d) || return 1
    echo "unpacking: $SERVERS"
    apt-get -qq update >/dev/null 2>&1
    (
        cd "$folder" || exit 1
        for package in $SERVERS $(needed_by_servers); do
            apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null 2>&1 # some are virtual
        done
        mkdir tree
        for file in *.deb; do dpkg-deb -x "$file" tree; done
        # Where /lib is a link to /usr/lib, one of a package's own would not be found.
        [ ! -d tree/lib ] || { cp -a tree/lib/. tree/usr/lib/ && rm -r tree/lib; }
        mkdir -p "$UNPACKED" tree/usr tree/var tree/etc && cp -a tree/usr tree/var tree/etc "$UNPACKED/"
    )
    rm -r "$folder"
}

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 && [ -e /etc/debian_version ]; then
    is_unpacked || unpack
fi

lacking=$(missing)
[ -n "$lacking" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 && [ -e /etc/debian_version ]; then
    # shellcheck disable=SC2086 # a list of words
    install $lacking
    lacking=$(missing)
fi
[ -n "$lacking" ] || exit 0
if [ "${CI:-}" = true ]; then
    echo "missing, and CI=true: $lacking" >&2
    exit 1
fi
echo "missing, so their tests are skipped: $lacking"
