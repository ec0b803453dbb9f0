"""Messages as Google's reader takes them: valid ones, and broken ones.

    python3 differential.py COUNT < shapes.binpb

Prints for each: the method, whether it is as a writer made it, what the reader says (`clean`,
`unknown`, `foreign`, `refused`), the message in hex, and its texts and bytes in hex, sorted.
"""

import random
import sys

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields
    from google.protobuf.descriptor import FieldDescriptor as Kind
    from google.protobuf.message import DecodeError
except ImportError:
    print("missing")
    sys.exit(0)

dice = random.Random(20)
pool = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(sys.stdin.buffer.read()).file:
    pool.Add(file)
METHODS = {"One": "shapes.All", "Old": "closed.Old", "New": "delimited.New"}
TEXTS = ["", "a", "O'Reilly", "ä€😀", "x" * 130, "../etc/passwd", "<b>", "1 OR 1=1"]


def of(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def scalar(field):
    kind = field.type
    if kind == Kind.TYPE_STRING:
        return dice.choice(TEXTS)
    if kind == Kind.TYPE_BYTES:
        return dice.choice(TEXTS).encode() + dice.randbytes(dice.randrange(4))
    if kind == Kind.TYPE_BOOL:
        return dice.random() < 0.5
    if kind == Kind.TYPE_ENUM:
        return dice.choice(field.enum_type.values).number
    if kind in (Kind.TYPE_DOUBLE, Kind.TYPE_FLOAT):
        return float(dice.randrange(-1000, 1000)) / 8
    is_wide = kind in (Kind.TYPE_INT64, Kind.TYPE_UINT64, Kind.TYPE_SINT64, Kind.TYPE_FIXED64, Kind.TYPE_SFIXED64)
    is_signed = kind not in (Kind.TYPE_UINT32, Kind.TYPE_UINT64, Kind.TYPE_FIXED32, Kind.TYPE_FIXED64)
    bits = (64 if is_wide else 32) - is_signed
    low = -(1 << bits) if is_signed else 0
    return dice.choice([low, 0, 1, (1 << bits) - 1, dice.randrange(low, 1 << bits)])


def fill(message, depth):
    for field in message.DESCRIPTOR.fields:
        if dice.random() > (0.35 if depth else 0.5) and not field.is_required:
            continue
        name, nested = field.name, field.message_type
        if nested and depth > 2:
            continue
        if nested and nested.GetOptions().map_entry:
            for _ in range(dice.randrange(3)):
                key, value = scalar(nested.fields_by_name["key"]), nested.fields_by_name["value"]
                if value.message_type:
                    fill(getattr(message, name)[key], depth + 1)
                else:
                    getattr(message, name)[key] = scalar(value)
        elif field.is_repeated:
            for _ in range(dice.randrange(4)):
                if nested:
                    fill(getattr(message, name).add(), depth + 1)
                else:
                    getattr(message, name).append(scalar(field))
        elif nested and nested.full_name == "google.protobuf.Any":
            inner = of(dice.choice(list(METHODS.values())))()
            fill(inner, depth + 2)
            getattr(message, name).Pack(inner)
        elif nested:
            getattr(message, name).SetInParent()
            fill(getattr(message, name), depth + 1)
        else:
            setattr(message, name, scalar(field))
    return message


def verdict(message):
    """The worst of this message and all in it. What an `Any` holds is read as it will be."""
    found = "unknown" if len(unknown_fields.UnknownFieldSet(message)) else "clean"
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and (message.type_url or message.value):
        try:
            inner = of(message.type_url.rsplit("/", 1)[-1])
        except KeyError:
            return max(found, "foreign", key=ORDER.index)
        return max(found, verdict(inner.FromString(message.value)), key=ORDER.index)
    for field, value in message.ListFields():
        nested = field.message_type
        if not nested:
            continue
        if nested.GetOptions().map_entry:
            value = value.values() if nested.fields_by_name["value"].message_type else []
        for one in value if field.is_repeated else [value]:
            found = max(found, verdict(one), key=ORDER.index)
    return found if message.IsInitialized() else max(found, "refused", key=ORDER.index)


def texts(message):
    """All texts and bytes of a message."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and (message.type_url or message.value):
        inner = of(message.type_url.rsplit("/", 1)[-1]).FromString(message.value)
        return [message.type_url.encode(), *texts(inner)]
    found = []
    for field, value in message.ListFields():
        nested = field.message_type
        if nested and nested.GetOptions().map_entry:
            for key, one in value.items():
                inner = nested.fields_by_name["value"]
                found += [key.encode()] if isinstance(key, str) else []
                found += texts(one) if inner.message_type else [one.encode()] if isinstance(one, str) else []
            continue
        for one in value if field.is_repeated else [value]:
            if nested:
                found += texts(one)
            elif isinstance(one, (str, bytes)):
                found.append(one.encode() if isinstance(one, str) else one)
    return found


def broken(data):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        at, how = dice.randrange(len(data) + 1), dice.randrange(7)
        if how == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            data[at:at] = dice.randbytes(dice.randrange(1, 4))
        elif how == 2:
            del data[at : at + dice.randrange(1, 4)]
        elif how == 3:
            del data[at:]
        elif how == 4:
            end = dice.randrange(at, len(data) + 1)
            data += data[at:end]
        elif how == 5:
            data[at : at + 1] = dice.choice([b"\x80" * 9 + b"\x01", b"\xff" * 10, b"\xff" * 5 + b"\x7f", b"\x80\x00"])
        elif at < len(data):
            data[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF])
    return bytes(data)


ORDER = ["clean", "unknown", "foreign", "refused"]


def show(method, is_made, data):
    found = []
    try:
        message = of(METHODS[method]).FromString(data)
        said = verdict(message)
        if said == "clean":
            found = sorted(texts(message))
    except (DecodeError, UnicodeDecodeError):
        said = "refused"
    print(method, int(is_made), said, data.hex() or "-", ",".join(one.hex() for one in found) or "-")


for number in range(int(sys.argv[1])):
    method = dice.choice(list(METHODS))
    data = fill(of(METHODS[method])(), 0).SerializeToString()
    show(method, True, data)
    for _ in range(4):
        show(method, False, broken(data))
    # What has no bytes to begin with is broken from nothing.
    show(method, False, dice.randbytes(dice.randrange(12)))
# As deep as readers go, and one deeper.
for depth in (50, 99, 100, 101, 102):
    for method, head in (("One", b"\x8a\x01"), ("New", None)):
        data = b""
        for _ in range(depth):
            if head:
                size, length = len(data), bytearray()
                while size > 0x7F:
                    length.append(size & 0x7F | 0x80)
                    size >>= 7
                data = head + bytes(length) + bytes([size]) + data
            else:
                data = b"\x1b" + data + b"\x20\x01\x1c"
        data += b"" if head else b"\x20\x01"
        show(method, False, data)
