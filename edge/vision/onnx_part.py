"""Cut a network to some of its outputs, so that the others cost nothing.

onnxruntime computes every output of the file that it is given, also those that nobody asks for. The
file is a protocol buffer (onnx.proto3, ModelProto): only the fields named here are looked at, all
others are copied as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT = 1, 5, 12
NODE_INPUT, NODE_OUTPUT = 1, 2
VALUE_NAME = 1
TENSOR_NAME = 8
_LENGTH_DELIMITED = 2
_FIXED_BYTES = {1: 8, 5: 4}


def cut_to(content: bytes, outputs: Collection[str]) -> bytes:
    """The model's file with these outputs alone, and what they need.

    Raises ValueError where it is no such file or lacks an output.
    """
    view = memoryview(content)
    return b"".join(
        _field(MODEL_GRAPH, _cut_graph(value, outputs)) if number == MODEL_GRAPH else whole
        for number, value, whole in _fields(view)
    )


def _cut_graph(graph: memoryview, outputs: Collection[str]) -> bytes:
    fields = list(_fields(graph))
    nodes = [_Node(value) for number, value, _ in fields if number == GRAPH_NODE]
    given = {_name(value, VALUE_NAME) for number, value, _ in fields if number == GRAPH_OUTPUT}
    if not set(outputs) <= given:
        raise ValueError(f"the model gives {', '.join(sorted(given))}")
    needed = set(outputs)
    kept: set[int] = set()
    for place, node in reversed(list(enumerate(nodes))):  # nodes stand in the order they run in
        if needed & node.outputs:
            kept.add(place)
            needed |= node.inputs
    running = iter(range(len(nodes)))

    def stays(number: int, value: memoryview) -> bool:
        if number == GRAPH_NODE:
            return next(running) in kept
        if number == GRAPH_INITIALIZER:
            return _name(value, TENSOR_NAME) in needed
        return number != GRAPH_OUTPUT or _name(value, VALUE_NAME) in outputs

    return b"".join(whole for number, value, whole in fields if stays(number, value))


class _Node:
    """The names of what a node takes and gives."""

    def __init__(self, node: memoryview) -> None:
        self.inputs: set[str] = set()
        self.outputs: set[str] = set()
        for number, value, _ in _fields(node):
            if number == NODE_INPUT:
                self.inputs.add(str(value, "utf-8"))
            elif number == NODE_OUTPUT:
                self.outputs.add(str(value, "utf-8"))


def _name(message: memoryview, number: int) -> str:
    return next((str(value, "utf-8") for one, value, _ in _fields(message) if one == number), "")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, bytes]]:
    """Each field's number, its content where it has a length, and the whole of it."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        kind, value = key & 7, message[:0]
        if kind == _LENGTH_DELIMITED:
            length, at = _varint(message, at)
            value = message[at : at + length]
            if len(value) < length:
                raise ValueError("the file ends inside a field")
            at += length
        elif kind == 0:
            _, at = _varint(message, at)
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        else:
            raise ValueError(f"wire type {kind} is none that ONNX uses")
        yield key >> 3, value, bytes(message[start:at])


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("the file ends inside a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _LENGTH_DELIMITED) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
