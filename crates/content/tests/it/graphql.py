"""GraphQL documents, and whether graphql-core reads them: a letter and the text in base64."""

import base64
import random
import sys

try:
    from graphql import (
        FragmentDefinitionNode,
        GraphQLError,
        OperationDefinitionNode,
        Visitor,
        parse,
        version_info,
        visit,
    )
except ImportError:
    print("NOT RUN: graphql-core is not installed", file=sys.stderr)
    sys.exit(0)
if version_info < (3, 3):
    # It reads the specification of 2021, which has no descriptions of operations.
    print(f"NOT RUN: graphql-core {version_info} is too old", file=sys.stderr)
    sys.exit(0)

SEEDS = [
    "{a}",
    "query A($a: Int = 1, $b: [T!]! @d) @e(x: $a) { a b: c(d: $a) @f { ...g ...on T @h { i } ... { j } } }",
    "fragment g on T @x { a }",
    "mutation M { a(b: {c: [1, -2, 3.5e+10, \"t\", null, true, ENUM, $v]}) }",
    "subscription { a }",
    'query { a(b: """block \\""" "text" \n\n end""") }',
    r'{ a(b: "\u00e4 \u{1F600} \n \" \\ \uD83D\uDE00") }',
    "# comment\n{a,b,,c#x\n}\ufeff",
    "{ on fragment query: mutation true false null type }",
    "{ a(a: 0, b: -0, c: 0.0, d: 1E5, e: 1e-5) }",
    "query type { a } query input { b }",
    "{ a(b: {}) c(d: []) }",
]
ODD = [
    "", " ", "{", "}", "{}", "{a", "a", "query", "query {", "query A", "query A()", "query A() {a}", "{a()}", "{a(b)}",
    "{a(b:)}", "{a:}", "{:a}", "{...}", "{...on}", "{...on T}", "{... on}", "fragment on on T {a}", "fragment f T {a}",
    "fragment f($a: Int) on T {a}", "fragment f on on {a}", "{...on on {a}}", "{a @}", "{a @b()}", "{a(b: 01)}",
    "{a(b: -)}", "{a(b: 1.)}", "{a(b: .5)}", "{a(b: 1e)}", "{a(b: 1a)}", "{a(b: 0x1)}", "{a(b: 1.2.3)}", "{a(b: 00)}",
    '{a(b: ")}', '{a(b: "\n")}', r'{a(b: "\x")}', r'{a(b: "\u12")}', r'{a(b: "\ud800")}', r'{a(b: "\udc00")}',
    r'{a(b: "\u{}")}', r'{a(b: "\u{110000}")}', r'{a(b: "\u{d83d}\u{de00}")}', r'{a(b: "\uD83D\u{DE00}")}',
    r'{a(b: "\u{0000000041}")}', r'{a(b: "\u{41")}', '{a(b: """)}', '{a(b: """""")}', '{a(b: """""""")}', '{a(b: "\t")}',
    '{a(b: "\x00")}', '{a(b: "\x07")}', '{a(b: """\x07""")}', "{a #\x07\n}", "{a \x07}", "{a\x0b}", "{a\u00a0b}", "{a\u2028b}",
    "{é}", "{a(b: $)}", "{a(b: $1)}", "query($a) {a}", "query($a: Int = $b) {a}", "query($a: [Int) {a}",
    "query($a: Int!!) {a}", "query($a: [Int!]!) {a}", "query($a: Int = [1, {b: 2}]) {a}", "query($a: Int @b(c: $d)) {a}",
    "query @a {b}", "query @a(b: $c) {b}", "{a} {b}", "{a} fragment f on T {b}", "{a .. b}", "{a ... b}", "{a . b}", "{a....b}",
    "{a ? b}", "{a; b}", "{a & b}", "{a | b}", "{a! }", "{a = b}", "{'a'}", "{a(b: 'c')}", "extend {a}", '"d" {a}', '"d" query {a}',
    '"d" fragment f on T {a}', "{a(b: on)}", "{a(on: 1)}", "{a @on}", "query on {a}", "{...on @a {b}}", "{... @a {b}}",
    "\ufeff{a}", "{a\ufeffb}", "{a(b: 9007199254740993)}", "{a(b: 1_000)}", "{a(b: 1__a)}", "{a(b: +1)}", "query($a: $b) {a}",
    "{a(b: {c})}", "{a(b: {c:})}", "{a(b: {1: 2})}", "{a(b: [,])}", "{,}", ",{a},", "query Q, ($a,: Int,) {a}", "{a(b: 1c: 2)}",
    "{a(b: 1.0c: 2)}", '{a(b: ""c: 2)}', '{a(b: """x"""c: 2)}', "{a}}", "{{a}}", "query Q query R {a}", "{a {}}", "{a b {c} }",
]
WORDS = [
    "{", "}", "(", ")", "[", "]", ":", "=", "!", "@", "$", "...", "on", "a", "b", "query", "fragment", "mutation", "T", "1", "-1",
    "1.5", '"x"', '"""y"""', "true", "null", "&", "|", ",", "#c\n", " ",
]


def random_document(source, depth=0):
    pick = source.random
    out = "{"
    for _ in range(source.randint(1, 3)):
        kind = pick()
        if kind < 0.6:
            out += " " + ("x: " if pick() < 0.3 else "") + source.choice("abc")
            if pick() < 0.3:
                out += "(" + source.choice("abc") + ": " + random_value(source) + ")"
            if pick() < 0.2:
                out += " @d"
            if depth < 4 and pick() < 0.5:
                out += random_document(source, depth + 1)
        elif kind < 0.8:
            out += " ..." + source.choice(["f", "g"])
        else:
            out += " ... " + source.choice(["", "on T "]) + (random_document(source, depth + 1) if depth < 4 else "{a}")
    return out + "}"


def random_value(source):
    return source.choice(["1", "-0", "$v", '"s"', "null", "E", "[1 2]", "{a: [{b: 1}]}", "1.5e3", '"""b"""'])


class Empty(Visitor):
    found = False

    def enter_selection_set(self, node, *_):
        self.found |= not node.selections


def verdict(text):
    try:
        document = parse(text)
    except GraphQLError:
        return "N"
    except RecursionError:
        return "?"
    # It takes `{}`, which section 2.4 has not.
    empty = Empty()
    visit(document, empty)
    if empty.found:
        return "E"
    kinds = (OperationDefinitionNode, FragmentDefinitionNode)
    return "Y" if all(isinstance(one, kinds) for one in document.definitions) else "T"


def main():
    source = random.Random(20_211_001)
    texts = SEEDS + ODD
    texts += [random_document(source) for _ in range(500)]
    for _ in range(4_000):
        text = list(source.choice(SEEDS + texts[-200:]))
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(text) + 1)
            change = source.random()
            if change < 0.4 and at < len(text):
                del text[at]
            elif change < 0.8:
                text.insert(at, source.choice(WORDS))
            elif at < len(text):
                text[at] = chr(source.choice([7, 9, 10, 13, 32, 34, 35, 46, 92, 123, 125, 160, 233, 8232, 65279]))
        texts.append("".join(text))
    for _ in range(1_000):
        texts.append(" ".join(source.choice(WORDS) for _ in range(source.randint(1, 8))))
    for text in texts:
        print(verdict(text), base64.b64encode(text.encode()).decode())


main()
