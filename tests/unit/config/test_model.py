"""The configuration as values: what is on when nothing is said, and what does not go together."""

import pytest
from pydantic import ValidationError

from postane.config.model import Config, listeners


def config(**sections: object) -> Config:
    return Config.model_validate(sections)


def opened(wanted: Config) -> dict[str, list[str]]:
    return {name: [str(endpoint) for endpoint in listen] for name, listen in listeners(wanted).items()}


def test_every_key_is_optional():
    assert opened(Config()) == {
        "pop3": ["0.0.0.0:110"],
        "pop3s": ["0.0.0.0:995"],
        "smtp": ["0.0.0.0:25"],
        "lmtp": ["unix:/run/postane/lmtp.sock", "127.0.0.1:24"],
    }


def test_tls_listeners_need_no_certificate_of_ones_own():
    assert opened(config(pop2s={"listen": ["0.0.0.0:1109"]})) == {"pop2s": ["0.0.0.0:1109"]}


def test_a_file_that_opens_one_port_opens_no_other():
    assert opened(config(pop1={"listen": ["127.0.0.1:1090"]})) == {"pop1": ["127.0.0.1:1090"]}


def test_an_empty_list_turns_a_listener_off():
    assert set(opened(config(smtp={"listen": []}))) == {"pop3", "pop3s", "lmtp"}


def test_sizes_and_durations_are_read():
    limits = config(limits={"idle": "15m", "message": "2GB"}).limits
    assert (limits.idle, limits.message) == (900.0, 2 * 1024**3)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"tls": {"certificate": "a.pem"}}, "belong together"),
        ({"tls": {"client_certificates": "optional"}}, "belong together"),
        ({"tls": {"client_ca": "ca.pem"}}, "belong together"),
        ({"auth": {"lockout_after": -1}}, "0"),
        ({"proxy": {"trusted": ["everybody"]}}, 'write "192.0.2.0/24"'),
        ({"smtp": {"auth": "maybe"}}, "optional"),
        ({"pop2": {"listen": ["127.0.0.1:109", "0.0.0.0:109"]}}, "0.0.0.0:109 can be reached by other machines"),
        ({"pop1": {"listen": ["[::]:1090"]}}, "write i_know_this_is_plaintext = true"),
        ({"pop1": {"listen": ["mail.example.org:1090"]}}, "write i_know_this_is_plaintext = true"),
        ({"pop2": {"listen": ["192.0.2.1:109"], "i_know_this_is_plaintext": False}}, "other machines"),
        ({"pop2": {"i_know_this_is_plaintext": 1}}, "valid boolean"),
        ({"pop3": {"i_know_this_is_plaintext": True}}, "Extra inputs"),
        ({"limits": {"connections": True}}, "integer"),
        ({"limits": {"connections": "3"}}, "integer"),
        ({"limits": {"recipients": 99}}, "100"),
        ({"server": {"workers": 0}}, 'write "auto"'),
        ({"server": {"workers": "many"}}, 'write "auto"'),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(sections, words):
    with pytest.raises(ValidationError, match=words):
        config(**sections)


@pytest.mark.parametrize("service", ["pop2", "pop1"])
def test_the_old_protocols_are_off_unless_named_and_stay_at_home_unless_told(service):
    assert service not in opened(Config())
    assert service not in opened(config(tls={"certificate": "a.pem", "key": "k.pem"}))
    home = ["127.0.0.1:109", "127.8.8.8:109", "[::1]:109", "localhost:109", "unix:/run/old.sock"]
    assert opened(config(**{service: {"listen": home}})) == {service: home}
    abroad = {"listen": ["0.0.0.0:109"], "i_know_this_is_plaintext": True}
    assert opened(config(**{service: abroad})) == {service: ["0.0.0.0:109"]}


@pytest.mark.parametrize("service", ["pop2s", "pop1s"])
def test_the_old_protocols_over_tls_go_anywhere(service):
    wanted = config(**{service: {"listen": ["0.0.0.0:1109"]}, "tls": {"certificate": "a.pem", "key": "k.pem"}})
    assert opened(wanted) == {service: ["0.0.0.0:1109"]}


def test_a_configuration_does_not_change():
    with pytest.raises(ValidationError):
        Config().hostname = "other"  # type: ignore[misc]


@pytest.mark.parametrize("key", ["index", "blobs", "maildir"])
def test_stores_to_come_are_named_as_such(key):
    with pytest.raises(ValidationError, match="not in this version"):
        Config.model_validate({"storage": {key: "somewhere"}})


def test_certificates_for_more_names():
    tls = {"certificate": "a.pem", "key": "a.key", "sni": [{"certificate": "b.pem", "key": "b.key"}]}
    assert str(Config.model_validate({"tls": tls}).tls.sni[0].certificate) == "b.pem"
