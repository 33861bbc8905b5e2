"""Settings of what the unit says of its own health."""

from __future__ import annotations

import ipaddress

from pydantic import Field, model_validator

from edge.section import Section


class HealthSettings(Section):
    """What counts as a malfunction."""

    link_down_for_h: float = Field(
        4.0,
        gt=0,
        description="Hours without the repository after which that is put on record as a "
        "malfunction.",
    )


class MetricsSettings(Section):
    """Prometheus metrics over HTTP; they hold no plate, and are served to whoever asks."""

    port: int | None = Field(
        None, ge=1, le=65_535, description="Port of the metrics, such as 9469; none for none."
    )
    address: str = Field("127.0.0.1", description="Address that they are served on.")
    beyond_loopback: bool = Field(
        False,
        description="Allow another address than this machine's own: the metrics are not "
        "encrypted, and anyone who reaches the port can read them.",
    )

    @model_validator(mode="after")
    def _require_loopback_unless_allowed(self) -> MetricsSettings:
        try:
            is_loopback = ipaddress.ip_address(self.address).is_loopback
        except ValueError as error:
            raise ValueError("address must be one of digits, such as 127.0.0.1 or ::1") from error
        if not (is_loopback or self.beyond_loopback):
            raise ValueError(
                "metrics are served on this machine alone unless 'beyond_loopback = true' says "
                "otherwise"
            )
        return self
