"""Finding reads by place, the same way on both databases, with PostGIS and without.

A box leads to the rows, by an index; whether a row of the box is within the place is then computed
from its degrees in the same steps everywhere, so that no answer hangs on an extension.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Float, and_, case, func, literal, or_
from sqlalchemy.sql.functions import Function

from repository.store import extensions
from repository.store.sphere import haversine_of_distance
from repository.store.tables.reads import reads

Degrees = tuple[float, float]
"""Latitude and longitude."""

Bounds = tuple[float, float, float, float]
"""South, north, west and east in degrees; the bounds belong to it."""

_LATITUDE, _LONGITUDE = reads.c.latitude_deg, reads.c.longitude_deg


def within_bounds(connection: Connection, boxes: Sequence[Bounds]) -> ColumnElement[bool]:
    """Whether a read was seen in one of the boxes."""
    if not _has_place_index(connection):
        return or_(
            *(
                and_(_LATITUDE.between(south, north), _LONGITUDE.between(west, east))
                for south, north, west, east in boxes
            )
        )
    there = func.st_makepoint(_LONGITUDE, _LATITUDE)
    return or_(
        *(
            there.bool_op("&&")(func.st_makeenvelope(west, south, east, north))
            for south, north, west, east in boxes
        )
    )


def within_distance(
    connection: Connection, centre: Degrees, distance_m: float
) -> ColumnElement[bool]:
    """Whether a read was seen at most that far from a point, along the ground."""
    limit = literal(haversine_of_distance(distance_m), Float)
    return _haversine(connection, *(literal(each, Float) for each in centre)) <= limit


def within_polygon(sides: Sequence[tuple[Degrees, Degrees]]) -> ColumnElement[bool]:
    """Whether a line from where a read was seen to the east crosses an odd number of the sides."""
    crossed: ColumnElement[int] = literal(0)
    for (latitude, longitude), (to_latitude, to_longitude) in sides:
        if latitude == to_latitude:
            continue
        slope = literal((to_longitude - longitude) / (to_latitude - latitude), Float)
        low, high = sorted((latitude, to_latitude))
        at = literal(longitude, Float) + slope * (_LATITUDE - literal(latitude, Float))
        crosses = and_(
            literal(low, Float) <= _LATITUDE, literal(high, Float) > _LATITUDE, at > _LONGITUDE
        )
        crossed = crossed + case((crosses, 1), else_=0)
    return crossed % 2 == 1


def _haversine(
    connection: Connection, latitude: ColumnElement[float], longitude: ColumnElement[float]
) -> ColumnElement[float]:
    if connection.dialect.name == "sqlite":  # see store.engine: not every SQLite has the sine
        return Function("haversine", _LATITUDE, _LONGITUDE, latitude, longitude, type_=Float)
    north = func.sin(func.radians(_LATITUDE - latitude) / 2)
    east = func.sin(func.radians(_LONGITUDE - longitude) / 2)
    across = func.cos(func.radians(_LATITUDE)) * func.cos(func.radians(latitude))
    return north * north + across * east * east


def _has_place_index(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql" and extensions.is_ready(
        connection, extensions.READ_PLACES
    )
