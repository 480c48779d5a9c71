"""What is wrong with a file is told with the file, the line, the key and what would be right."""

import pytest

from postane.config.file import ConfigError, find_config, load_config, located


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\nfoo = 1\n", "2: foo: unknown key; known here: accounts, auth, hostname, "),
        ("[pop33]\nlisten = []\n", '1: pop33: unknown key; did you mean "pop3"?'),
        ("[limits]\n# few\nconections = 3\n", '3: limits.conections: unknown key; did you mean "connections"?'),
        ('[limits]\nidle = "10 parsecs"\n', "2: limits.idle: '10 parsecs' is not a duration; write for example"),
        ('limits = { idle = "x" }\n', "1: limits.idle: 'x' is not a duration"),
        ('\nlimits.idle = "x"\n', "2: limits.idle: 'x' is not a duration"),
        ('\n\nlimits = { idle = "x" }\n', "3: limits.idle: 'x' is not a duration"),
        ('["limits"]\n"idle" = "x"\n', "2: limits.idle: 'x' is not a duration"),
        ('[pop3]\nlisten = "0.0.0.0:110"\n', "2: pop3.listen: '0.0.0.0:110' does not fit; write a list"),
        ('[pop3]\nlisten = [\n  "a:1",\n  "b"\n]\n', "4: pop3.listen: 'b' is not an address; write \"HOST:PORT\""),
        ("pop3 = 3\n", "1: pop3: 3 does not fit; write a section"),
        ('[auth]\nplaintext_without_tls = "maybe"\n', "write one of 'never', 'loopback' or 'always'"),
        ('[server]\nworkers = "many"\n', "2: server.workers: 'many' is not a number of workers; write \"auto\""),
        ("[limits]\nrecipients = 3\n", "2: limits.recipients: 3 does not fit; write a number of at least 100"),
        ("[auth]\nlockout_after = 256\n", "2: auth.lockout_after: 256 does not fit; write a number of at most 255"),
        ("[auth]\nlockout_after = 1000\n", "2: auth.lockout_after: 1000 does not fit; write a number of at most 255"),
        ('[limits]\nconnections = "3"\n', "2: limits.connections: '3' does not fit; write a whole number"),
        ("hostname = 3\n", "1: hostname: 3 does not fit; write a text in quotes"),
        ("[storage]\npath = 3\n", "2: storage.path: 3 does not fit; write a path in quotes"),
        ('[tls]\nkey = "k.pem"\n', "1: tls: certificate and key belong together"),
        (
            '\n[pop2]\nlisten = ["0.0.0.0:109"]\n',
            "2: pop2: 0.0.0.0:109 can be reached by other machines, and everything",
        ),
        ('[pop1]\nlisten = ["0.0.0.0:1"]\n', "listen on 127.0.0.1, or write i_know_this_is_plaintext = true"),
        (
            '[pop1]\ni_know_this_is_plaintext = "yes"\n',
            "2: pop1.i_know_this_is_plaintext: 'yes' does not fit; write true",
        ),
        (
            '[[accounts]]\nkind = "local"\n\n[[accounts]]\nkind = "pam"\npth = 1\n',
            "6: accounts.pth: unknown key; known",
        ),
        (
            '[[accounts]]\nkind = "pam"\n[[accounts]]\nkind = "passwd-file"\npath = "x"\nschema = "CRYPT"\n',
            '6: accounts.schema: unknown key; did you mean "scheme"?',
        ),
        (
            '[[accounts]]\nkind = "pam"\nscheme = "X"\n',
            "3: accounts.scheme: unknown key; known here: first_uid, kind, last_uid, se",
        ),
        (
            '[[accounts]]\nkind = "local"\n[[accounts]]\n\nkind = "passwd-file"\n',
            '3: accounts.path: is missing; write for example path = "/etc/postane/passwd"',
        ),
        (
            'accounts = [\n{ kind = "local" },\n{ kind = "ldap", url = "ldaps://h" },\n]\n',
            '3: accounts.base: is missing; write for example base = "ou=people,dc=example,dc=org"',
        ),
        (
            '[[accounts]]\n\nkind = "mysql"\n',
            "3: accounts.kind: 'mysql' does not fit; write one of 'local', 'passwd-file', 'postgresql', 'ldap', ",
        ),
        (
            '[[accounts]]\nkind = "passwd-file"\npath = "p"\nscheme = "ROT13"\n',
            "4: accounts.scheme: 'ROT13' is no scheme: there are ARGON2ID, ",
        ),
        ("[proxy]\n[[accounts]]\n", '2: accounts.kind: is missing; write for example kind = "local"'),
        ("\naccounts = [3]\n", "2: accounts: write [[accounts]] in a line of its own"),
        (
            "[accounts]\nkind = 'local'\n",
            "1: accounts: is one table, and there may be several: write [[accounts]], with",
        ),
        (
            '[tls]\n[tls.sni]\nkey = "k"\n',
            "2: tls.sni: is one table, and there may be several: write [[tls.sni]], with",
        ),
        (
            '[auth]\nmechanisms = [\n"plain",\n"SCRAM-SHA256"]\n',
            '4: auth.mechanisms: "SCRAM-SHA256" is not in this version; did you mean "SCRAM-SHA-256"?',
        ),
        (
            '[auth]\nmechanisms = ["GSSAPI"]\n',
            '2: auth.mechanisms: "GSSAPI" is not in this version; there are SCRAM-SHA-256-PLUS, ',
        ),
        (
            '[[accounts]]\nkind = "postgresql"\nurl = "x"\npassword_query = "SELECT 1"\n',
            "4: accounts.password_query: the query does not ask for :user: it would mean everybody",
        ),
        (
            '[[accounts]]\nkind = "postgresql"\nurl = "x"\npassword_query = "SELECT :user"\n'
            'address_query = "SELECT :user"\n',
            "5: accounts.address_query: there is no :user here: a query may have :address",
        ),
        (
            '[[accounts]]\nkind = "ldap"\nurl = "x"\nbase = "b"\nfilter = "(uid={user}"\n',
            "5: accounts.filter: this is no LDAP filter",
        ),
        (
            '[[accounts]]\nkind = "ldap"\nurl = "x"\nbase = "b"\nenabled_filter = "(uid={user})"\n',
            "5: accounts.enabled_filter: there is no {user} here",
        ),
        (
            '[[accounts]]\nkind = "local"\n[[accounts]]\nkind = "oauth"\n',
            "3: accounts: a token is checked by jwks or by introspection",
        ),
        (
            '[[accounts]]\nkind = "pam"\nfirst_uid = true\n',
            "3: accounts.first_uid: True does not fit; write a whole number",
        ),
        (
            '[[accounts]]\nkind = "postgresql"\nurl = "x"\npassword_query = """\nSELECT x FROM y\nWHERE a = :user\n'
            '[accounts]"""\ntimeout = "x"\n',
            "8: accounts.timeout: 'x' is not a duration",
        ),
        (
            '[tls]\n[[tls.sni]]\ncertificate = "a"\nkey = "k"\n[[tls.sni]]\nkey = "k"\n',
            '5: tls.sni.certificate: is missing; write for example certificate = "other.pem"',
        ),
        (
            '[[tls.sni]]\ncertificate = "a"\nkey = "k"\n[[tls.sni]]\ncertificate = "a"\nkey = "k"\nkee = "k"\n',
            '7: tls.sni.kee: unknown key; did you mean "key"?',
        ),
        (
            '[proxy]\ntrusted = [\n"192.0.2.0/24", # one\n"192.0.2.1/24",\n]\n',
            "4: proxy.trusted: 192.0.2.1/24 has host bits",
        ),
        ("[limits]\n5 = 1\n", "2: limits.5: unknown key"),
        ("[limits]\nidle = 1\nidle = 2\n", "3: Cannot overwrite a value"),
        ("[limits\n", "1: "),
    ],
)
def test_a_complaint_names_line_key_and_remedy(tmp_path, text, complaint):
    path = tmp_path / "postane.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    told = str(caught.value)
    assert told.startswith(f"{path}:")
    assert complaint in told
    assert "\n" not in told


def test_the_problems_are_values_too(tmp_path):
    path = tmp_path / "postane.toml"
    path.write_text('\n[limits]\nidle = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (str(path), 3, "limits.idle")
    assert str(problem) == str(caught.value)


def test_files_that_are_named_and_missing_are_told_where_they_are_served(tmp_path):
    path = tmp_path / "postane.toml"
    path.write_text(
        f'[tls]\ncertificate = "{path}"\nkey = "{tmp_path}/none.pem"\n'
        f'[[accounts]]\nkind = "local"\n[[accounts]]\nkind = "passwd-file"\npath = "{tmp_path}/passwd"\n'
    )
    load_config(path)
    with pytest.raises(ConfigError) as caught:
        load_config(path, is_served=True)
    assert str(caught.value).splitlines() == [
        f"{path}:3: tls.key: there is no file {tmp_path}/none.pem: make it, or name another",
        f"{path}:8: accounts.path: there is no file {tmp_path}/passwd: make it, or name another",
    ]


def test_every_mistake_is_told_at_once(tmp_path):
    path = tmp_path / "postane.toml"
    path.write_text('[limits]\nidle = "x"\nmessage = "y"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [line.split(": ")[:2] for line in str(caught.value).splitlines()] == [
        [f"{path}:2", "limits.idle"],
        [f"{path}:3", "limits.message"],
    ]


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"a = " + b"9" * 5000, b"a = " + b"[" * 100_000])
def test_a_file_that_is_no_configuration_is_one_complaint(tmp_path, octets):
    path = tmp_path / "postane.toml"
    path.write_bytes(octets)
    with pytest.raises(ConfigError, match=r"postane\.toml"):
        load_config(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.toml")


def test_what_is_found_when_nothing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("postane.config.file.SEARCHED", (tmp_path / "first.toml", tmp_path / "second.toml"))
    assert find_config(None) is None
    (tmp_path / "second.toml").touch()
    assert find_config(None) == tmp_path / "second.toml"
    (tmp_path / "first.toml").touch()
    assert find_config(None) == tmp_path / "first.toml"
    assert find_config(tmp_path / "named.toml") == tmp_path / "named.toml"
    assert load_config(None) == load_config(tmp_path / "first.toml")


def test_what_is_told_of_a_place_gets_its_line(tmp_path):
    path = tmp_path / "postane.toml"
    path.write_text('[tls]\ncertificate = "c"\nkey = "k"\n')
    with pytest.raises(ConfigError) as caught, located(path):
        raise ConfigError("is of another kind", place=("tls", "key"))
    assert str(caught.value) == f"{path}:3: tls.key: is of another kind"
    for where, error in ((None, ConfigError("x", place=("tls",))), (path, ConfigError("x"))):
        with pytest.raises(ConfigError, match=r"\Ax\Z"), located(where):
            raise error
