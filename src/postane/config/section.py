"""What every table of the configuration is made of.

Must not know: any key.
"""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from .units import Endpoint, parse_duration, parse_endpoint, parse_host_name, parse_retention, parse_size

Size = Annotated[int, BeforeValidator(parse_size)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
Retention = Annotated[float, BeforeValidator(parse_retention)]
HostName = Annotated[str, AfterValidator(parse_host_name)]
Address = Annotated[Endpoint, BeforeValidator(parse_endpoint)]
Count = Annotated[int, Strict()]
When = Literal["never", "loopback", "always"]


def parse_network(text: str) -> str:
    """A network such as 192.0.2.0/24, or one address, in its usual form."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f'{error}; write "192.0.2.0/24", "2001:db8::/32" or one address') from None


Network = Annotated[str, AfterValidator(parse_network)]


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # it may be a secret
        defer_build=True,  # few tables are checked alone, and many commands check none
    )


class Listener(Section):
    """A service that listens."""

    listen: tuple[Address, ...] | None = Field(None, description="addresses to listen on; [] turns it off")
