"""The semantics column: from text to a typed tree.

Values have a width and no sign; operators have the sign.  Nothing converts
silently; a bare number takes the other side's type.  The rules that make
every instruction restartable are checked here too (check_row).
"""

import re

from source import IsaError

TOKEN = re.compile(r"\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_][\w]*)|"
                   r"(<=s|<=u|>=s|>=u|<s|<u|>>s|>>u|>s|>u|<<|==|!=|"
                   r"[-+*?:(),;=.\[\]]))")

COMPARE = {"==": "eq", "!=": "ne", "<s": "slt", "<u": "ult", "<=s": "sle",
           "<=u": "ule"}
SWAPPED = {">s": "slt", ">u": "ult", ">=s": "sle", ">=u": "ule"}
FP_TYPES = {"f16": "u16", "f32": "u32", "f64": "u64", "f80": "u128"}
# What else f80 has (x87's): operands, whether it rounds, result.
F80_ONLY = {"fscale": (2, 1), "frem": (2, 0), "frem1": (2, 0),
            "fsig": (1, 0), "fexp": (1, 0), "fsin": (1, 1), "fcos": (1, 1),
            "ftan": (1, 1), "fpatan": (2, 1), "f2xm1": (1, 1),
            "fyl2x": (2, 1), "fyl2xp1": (2, 1), "fcmp": (2, 0, "u8"),
            "fcmpq": (2, 0, "u8"), "fbcd": (1, 0)}
NOT_F80 = ("ffma", "fmin", "fmax", "feq", "flt", "fle")
F32_ONLY = ("frcp", "frsqrt")
PURE_FP = ("fclass", "fbcd", "fwiden", *F32_ONLY)
INT_TYPES = {"s32": "u32", "u32": "u32", "s64": "u64", "u64": "u64"}
MAX_TOKENS = 400    # what follows recurses over the tree
MAX_EXPANDED = 1000
MAX_DEPTH = 40
END = ("end", "")
C_NAME = {"fclass": "classify"}     # where fp.h's name is not ours
WIDTH = {"u1": 1, "u8": 8, "u16": 16, "u32": 32, "u64": 64, "u128": 128,
         "v128": 128}


class Node:
    """One operation: op, type, operands; extra facts in `data`."""

    __slots__ = ("op", "type", "args", "data")

    def __init__(self, op, type_, args=(), data=None):
        self.op, self.type, self.args, self.data = op, type_, list(args), data

    def walk(self):
        for a in self.args:
            yield from a.walk()
        yield self


class Stmt:
    """kind: let set store fault raise branch jump jumpr call fence nop; flags
    (of a family), setflag (of one), undef (for tests only)."""

    def __init__(self, kind, **facts):
        self.kind = kind
        self.expr = self.when = self.target = None
        self.__dict__.update(facts)

    def nodes(self):
        for e in (self.expr, self.when, self.target,
                  getattr(self, "addr", None)):
            if isinstance(e, Node):
                yield from e.walk()
        for e in getattr(self, "args", []):
            yield from e.walk()


def lex(line, text):
    out, at = [], 0
    text = text.rstrip()
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            raise IsaError("token", line,
                           f"cannot read '{text[at:].strip()[:12]}'")
        at = m.end()
        num, word, sign = m.groups()
        if num:
            base = 16 if num[:2] in ("0x", "0X") else 10
            out.append(("num", int(num, base)))
        elif word:
            out.append(("word", word))
        else:
            out.append(("sign", sign))
    return out + [END]


def argument_lists(toks, at):
    """Of a use, behind its opening parenthesis: the tokens of each argument,
    and where it goes on; None: it does not end."""
    out, depth = [[]], 0
    while toks[at][0] != "end":
        tok = toks[at]
        at += 1
        if tok[0] == "sign" and depth == 0 and tok[1] in (",", ")"):
            if tok[1] == ")":
                return out, at
            out.append([])
            continue
        if tok[0] == "sign":
            depth += (tok[1] == "(") - (tok[1] == ")")
        out[-1].append(tok)
    return None, at


def expand(isa, line, toks):
    """Uses of `def` replaced by what it says."""
    out, at = [], 0
    while at < len(toks):
        kind, value = toks[at]
        at += 1
        d = isa.defs.get(value) if kind == "word" else None
        if d is None:
            out.append((kind, value))
            continue
        args = []
        if d.params:
            if toks[at] == ("sign", "("):
                args, at = argument_lists(toks, at + 1)
            if args is None or len(args) != len(d.params):
                raise IsaError("def-args", line, f"'{d.name}' takes "
                               f"{len(d.params)} arguments")
        args = [expand(isa, line, [*a, END])[:-1] for a in args]
        out += instance(isa, d, dict(zip(d.params, args)))
        if len(out) > MAX_EXPANDED:
            raise IsaError("long", line, f"'{d.name}' says more than "
                           f"{MAX_EXPANDED} words")
    return out


def instance(isa, d, values):
    """The tokens of a definition with these arguments."""
    if d.tokens is None:
        if d.open:
            raise IsaError("def-loop", d.line, f"'{d.name}' says itself")
        d.open = True
        d.tokens = expand(isa, d.line, lex(d.line, d.text))[:-1]
    out = []
    for tok in d.tokens:
        v = values.get(tok[1]) if tok[0] == "word" else None
        if v is None or len(v) == 1:
            out += v or [tok]
        else:
            out += [("sign", "("), *v, ("sign", ")")]
    if d.expression:
        out = [("sign", "("), *out, ("sign", ")")]
    return out


class Parser:
    """Recursive descent; `scope` answers what a name is.

    scope.operand(name) -> Node or None, scope.target(name) -> a place that
    can be written or None, scope.type_name(name) -> type or None.
    """

    def __init__(self, isa, row, scope):
        self.isa, self.row, self.scope = isa, row, scope
        self.toks = lex(row.line, row.semantics)
        if len(self.toks) > MAX_TOKENS:
            self.fail("long", f"the semantics have {len(self.toks)} words, "
                      f"{MAX_TOKENS} at most")
        self.toks = expand(isa, row.line, self.toks)
        self.at = self.depth = 0
        self.lets = {}
        self.used = set()
        self.lane = None        # the type of lanes, inside `lanes`

    def fail(self, code, text):
        raise IsaError(code, self.row.line, f"{self.row.name}: {text}")

    # tokens
    def peek(self, sign=None):
        kind, value = self.toks[self.at]
        return value == sign and kind != "num" if sign else value

    def take(self, sign=None):
        kind, value = self.toks[self.at]
        if sign is not None and (value != sign or kind == "num"):
            self.fail("expected", f"expected '{sign}' before "
                      f"'{value or 'the end'}'")
        self.at += 1
        return value

    def word(self):
        kind, value = self.toks[self.at]
        if kind != "word":
            self.fail("name", f"expected a name before "
                      f"'{value or 'the end'}'")
        self.at += 1
        return value

    # statements
    def parse(self):
        out = []
        while True:
            out.append(self.statement())
            while self.peek("undef"):
                out.append(self.statement())
            if not self.peek(";"):
                break
            self.take(";")
        if self.toks[self.at][0] != "end":
            self.fail("trailing", f"'{self.toks[self.at][1]}' is left over")
        for name in self.lets:
            if name not in self.used and name != "_":
                self.fail("unused-let", f"'{name}' is never used")
        return out

    def statement(self):
        word = self.word()
        method = getattr(self, "st_" + word, None)
        if method:
            return method()
        return self.assignment(word)

    def when(self):
        if not self.peek("when"):
            return None
        self.take()
        return self.of_type(self.expr(), "u1", "when")

    def assignment(self, name):
        if name in self.isa.flags:
            self.take("=")
            value = self.of_type(self.expr(), "u1", "a flag")
            return Stmt("setflag", flag=name, expr=value)
        index = self.index(name) if self.peek("[") else None
        place = self.scope.target(name) if index is None else \
            self.scope.indexed_place(name)
        if place is None:
            self.fail("target", f"'{name}' cannot be written")
        self.take("=")
        value = (self.call_value() if self.peek("call") else self.expr())
        value = self.settle(value, place.type)
        if value.type != place.type:
            self.fail("assign-type", f"'{name}' is {place.type}, the value "
                      f"is {value.type}")
        return Stmt("set", place=place, expr=value, when=self.when(),
                    addr=index)

    def index(self, name):
        """[number]: a register of a file, by a number that is computed."""
        reg = self.isa.regs.get(name)
        self.take("[")
        e = self.of_type(self.expr(), "u8", "a register's number")
        self.take("]")
        if reg is None or reg.count & (reg.count - 1) or reg.count == 0 or \
           reg.zero is not None or reg.type == "v128" or \
           not hasattr(self.scope, "indexed_place"):
            self.fail("index", f"'{name}' is no file of registers whose count "
                      "is a power of two")
        return e

    def st_nop(self):
        return Stmt("nop")

    def st_fence(self):
        return Stmt("fence")

    def st_let(self):
        name = self.word()
        if name in self.lets or self.scope.operand(name):
            self.fail("let-twice", f"'{name}' already has a meaning")
        self.take("=")
        value = (self.call_value() if self.peek("call") else self.expr())
        if value.type is None:
            self.fail("let-type", f"the type of '{name}' is not known")
        self.lets[name] = value.type
        return Stmt("let", name=name, expr=value)

    # flags
    def flag_list(self):
        """CF OF, or all."""
        out = []
        if self.peek("all"):
            self.take()
            return list(self.isa.flags)
        while self.peek() in self.isa.flags:
            out.append(self.word())
        return out

    def st_flags(self):
        name = self.word()
        family = self.isa.families.get(name)
        if family is None:
            self.fail("family", f"unknown family '{name}'")
        self.take("(")
        args = self.args(len(family.params), name)
        wide = [a.type for a, (_, t) in zip(args, family.params)
                if not t and a.type]
        main = wide[0] if wide else self.scope.type_name("T")
        if main is None:
            self.fail("flags-type", f"the type of {name}'s values is unknown")
        for n, (_, t) in enumerate(family.params):
            args[n] = self.settle(args[n], t or main)
            if args[n].type != (t or main):
                self.fail("flags-types", f"{name} wants {t or main}, not "
                          f"{args[n].type}")
        when, keep = self.when(), []
        if self.peek("keep"):
            self.take()
            keep = self.flag_list()
            if not keep or len(keep) == len(self.isa.flags):
                self.fail("keep", "`keep` wants the names of some flags")
        return Stmt("flags", family=family, args=args, when=when, keep=keep,
                    type=main)

    def st_undef(self):
        flags, places = [], []
        while True:
            names = self.flag_list()
            flags += names
            if not names:
                word = self.word()
                place = self.scope.target(word)
                if place is None:
                    self.fail("undef", f"'{word}' is no flag and nothing "
                              "that can be written")
                places.append(place)
            if not self.peek(","):
                break
            self.take()
        unless = None
        if self.peek("unless"):
            self.take()
            unless = self.of_type(self.expr(), "u1", "unless")
        return Stmt("undef", flags=flags, places=places, expr=unless)

    def fn_cond(self):
        name = self.word()
        self.take(")")
        if name not in self.isa.conds:
            self.fail("cond", f"unknown condition '{name}'")
        return Node("cond", "u1", data=name)

    def fn_flagbits(self):
        """flagbits(): all flags in their places."""
        self.take(")")
        if not self.isa.flags:
            self.fail("flagbits", "there are no flags")
        return Node("flagbits", "u64")

    def st_store(self):
        self.take("(")
        type_ = self.type_arg()
        self.take(",")
        addr = self.address()
        self.take(",")
        value = self.settle(self.expr(), type_)
        self.take(")")
        if value.type != type_:
            self.fail("store-type", f"store of {type_}, the value is "
                      f"{value.type}")
        if self.peek("when"):
            self.fail("store-when", "a store cannot be conditional")
        return Stmt("store", type=type_, addr=addr, expr=value)

    def cause(self):
        name = self.word()
        if name not in self.isa.causes:
            self.fail("cause", f"unknown cause '{name}'")
        value = Node("const", "u64", data=0)
        if self.peek(","):
            self.take()
            value = self.settle(self.expr(), "u64")
            if WIDTH.get(value.type, 0) < 64:
                value = Node("zx", "u64", [value])
        return name, value

    def st_fault(self):
        self.take("(")
        cond = self.of_type(self.expr(), "u1", "fault")
        self.take(",")
        name, value = self.cause()
        self.take(")")
        return Stmt("fault", expr=cond, cause=name, args=[value])

    def st_raise(self):
        self.take("(")
        name, value = self.cause()
        self.take(")")
        return Stmt("raise", cause=name, args=[value])

    def pc_offset(self):
        """A direct target: pc plus an immediate."""
        e = self.expr()
        if e.op != "imm":
            self.fail("direct-target",
                      "a direct target is an immediate, relative to pc")
        return e

    def st_branch(self):
        self.take("(")
        cond = self.of_type(self.expr(), "u1", "branch")
        self.take(",")
        target = self.pc_offset()
        self.take(")")
        return Stmt("branch", expr=cond, target=target)

    def st_jump(self):
        self.take("(")
        target = self.pc_offset()
        self.take(")")
        return Stmt("jump", target=target, hint=self.hint())

    def hint(self):
        if self.peek() in ("call", "ret", "mode"):
            return self.word()
        return None

    def st_jumpr(self):
        self.take("(")
        e = self.settle(self.expr(), self.scope.pc_type)
        self.take(")")
        if e.type != self.scope.pc_type:
            self.fail("jump-type", f"pc is {self.scope.pc_type}, the target "
                      f"is {e.type}")
        return Stmt("jumpr", expr=e, hint=self.hint())

    def call_value(self):
        self.take("call")
        node = self.helper_call()
        if node.type is None:
            self.fail("helper-void", f"'{node.data.name}' gives no value")
        return node

    def st_call(self):
        node = self.helper_call()
        return Stmt("call", expr=node)

    def helper_call(self):
        name = self.word()
        helper = self.isa.helpers.get(name)
        if helper is None:
            self.fail("helper", f"unknown helper '{name}'")
        self.take("(")
        args = []
        while not self.peek(")"):
            args.append(self.expr())
            if self.peek(","):
                self.take()
        self.take(")")
        if len(args) != len(helper.args):
            self.fail("helper-count", f"'{name}' takes {len(helper.args)} "
                      f"arguments, not {len(args)}")
        out = []
        for a, t in zip(args, helper.args):
            a = self.settle(a, t)
            if a.type != t:
                self.fail("helper-type", f"'{name}' wants {t}, not {a.type}")
            out.append(a)
        return Node("call", helper.result, out, helper)

    # expressions, loosest first
    def expr(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("deep", f"expressions are nested more than {MAX_DEPTH} "
                      "deep")
        e = self.choice()
        self.depth -= 1
        return e

    def choice(self):
        c = self.logic()
        if not self.peek("?"):
            return c
        self.take()
        c = self.of_type(c, "u1", "?:")
        a = self.expr()
        self.take(":")
        b = self.expr()
        if c.op == "const":
            return a if c.data else b
        a, b = self.same(a, b)
        for side in (a, b):
            if any(n.op in ("load", "amo", "call", "fp")
                   for n in side.walk()):
                self.fail("conditional-load",
                          "what loads, calls or raises fp flags cannot stand "
                          "in one arm of ?:")
        return Node("select", a.type, [c, a, b])

    def arithmetic(self, op, *args):
        """u1 is a truth value: only and, or, xor, not, ?: work on it."""
        if args[0].type == "u1":
            self.fail("truth-value", f"{op} of a u1; widen it with zx")
        return Node(op, args[0].type, args)

    def logic(self):
        a = self.compare()
        while self.peek() in ("and", "or", "xor"):
            op = self.word()
            b = self.compare()
            a, b = self.same(a, b)
            a = Node(op, a.type, [a, b])
        return a

    def compare(self):
        a = self.shift()
        op = self.peek()
        if op in COMPARE or op in SWAPPED:
            self.take()
            b = self.shift()
            a, b = self.same(a, b)
            if a.op == b.op == "const" and a.type is None:
                return self.fold_compare(op, a.data, b.data)
            if a.type is None:
                self.fail("number-types", "two bare numbers are compared")
            if op in SWAPPED:
                return Node(SWAPPED[op], "u1", [b, a])
            return Node(COMPARE[op], "u1", [a, b])
        return a

    @staticmethod
    def fold_compare(op, a, b):
        """Of numbers as they stand: facts of types."""
        true = {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b,
                ">": a > b, ">=": a >= b}[op.rstrip("su")]
        return Node("const", "u1", data=int(true))

    def shift(self):
        a = self.sum()
        while self.peek() in ("<<", ">>s", ">>u"):
            op = {"<<": "shl", ">>s": "sar", ">>u": "shr"}[self.take()]
            b = self.sum()
            if a.op == b.op == "const" and a.type is None and op == "shl":
                if not 0 <= b.data < 128:
                    self.fail("range", f"a shift by {b.data}")
                a = Node("const", None, data=a.data << b.data)
                continue
            if a.type is None:
                self.fail("number-types", "a bare number is shifted")
            a = self.arithmetic(op, *self.same(a, b))
        return a

    def sum(self):
        a = self.product()
        while self.peek() in ("+", "-"):
            op = {"+": "add", "-": "sub"}[self.take()]
            b = self.product()
            a, b = self.same(a, b)
            if a.op == b.op == "const" and a.type is None:
                a = Node("const", None, data=a.data + b.data if op == "add"
                         else a.data - b.data)
                continue
            a = self.arithmetic(op, a, b)
        return a

    def product(self):
        a = self.unary()
        while self.peek("*"):
            self.take()
            b = self.unary()
            a = self.arithmetic("mul", *self.same(a, b))
        return a

    def unary(self):
        if self.peek("-") or self.peek("not"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail("deep", f"more than {MAX_DEPTH} signs and `not`s")
            e = self.signed()
            self.depth -= 1
            return e
        return self.primary()

    def signed(self):
        if self.peek("-"):
            self.take()
            a = self.unary()
            if a.op == "const" and a.type is None:
                return Node("const", None, data=-a.data)
            return self.arithmetic("neg", a)
        self.take("not")
        a = self.unary()
        if a.op == "const" and a.type is None:
            return Node("const", None, data=~a.data)
        return Node("not", a.type, [a])

    def primary(self):
        kind, value = self.toks[self.at]
        if kind == "num":
            self.at += 1
            return Node("const", None, data=value)
        if self.peek("("):
            self.take()
            e = self.expr()
            self.take(")")
            return e
        name = self.word()
        if name == "lanes":
            return self.lanes()
        node = self.named(name)
        if self.lane and node.type == "v128":
            return Node("lane", self.lane, [node])
        return node

    def lanes(self):
        """lanes u8 (a + b): the same in each lane of vectors, with values
        of the lanes' type the same in all."""
        type_ = self.type_arg()
        if self.lane or type_ not in ("u8", "u16", "u32", "u64"):
            self.fail("lanes", f"no lanes of {type_} here")
        self.take("(")
        self.lane = type_
        e = self.settle(self.expr(), type_)
        self.lane = None
        self.take(")")
        if e.type != type_:
            self.fail("lanes-type", f"lanes of {type_} cannot be {e.type}")
        if not any(n.op == "lane" for n in e.walk()):
            self.fail("lanes-none", "there is no vector in these lanes")
        for n in e.walk():
            if n.op in ("load", "amo", "call"):
                self.fail("lanes-op", f"{n.op} has no lanes")
        return Node("lanes", "v128", [e], type_)

    def named(self, name):
        if self.peek("(") and name not in self.lets:
            return self.function(name)
        if self.peek(".") and self.scope.type_name(name):
            self.take()
            what = self.word()
            if what not in ("bits", "bytes"):
                self.fail("type-fact", f"'{what}' is no fact of a type")
            bits = WIDTH[self.scope.type_name(name)]
            return Node("const", None,
                        data=bits if what == "bits" else bits // 8)
        if name in self.lets:
            self.used.add(name)
            return Node("local", self.lets[name], data=name)
        if self.peek("["):
            e = self.index(name)
            return Node("regat", self.isa.regs[name].type, [e],
                        self.isa.regs[name])
        if name in self.isa.flags:
            return Node("flag", "u1", data=name)
        node = self.scope.operand(name)
        if node is None:
            self.fail("unknown", f"'{name}' has no meaning here")
        if self.peek("."):
            return self.register_number(node)
        return node

    def register_number(self, node):
        """rs1.n: which register, not what is in it."""
        self.take(".")
        number = self.scope.register_number(node)
        if self.word() != "n" or number is None:
            self.fail("register-number", "only a register operand has .n")
        return Node("num", "u8", data=number)

    def type_arg(self):
        name = self.word()
        t = self.scope.type_name(name)
        if t is None:
            self.fail("type", f"unknown type '{name}'")
        return t

    def args(self, n, what):
        out = []
        while not self.peek(")"):
            out.append(self.expr())
            if not self.peek(","):
                break
            self.take()
        self.take(")")
        if len(out) != n:
            self.fail("arguments", f"{what} takes {n} arguments, "
                      f"not {len(out)}")
        return out

    def address(self):
        e = self.settle(self.scope.address(self), self.scope.address_type)
        if e.type != self.scope.address_type:
            self.fail("address-type", f"an address is "
                      f"{self.scope.address_type}, not {e.type}")
        return e

    def function(self, name):
        self.take("(")
        method = getattr(self, "fn_" + name, None)
        if method:
            return method()
        if name in FUNCTIONS:
            a = self.args(FUNCTIONS[name], name)
            if len(a) == 2:
                a = self.same(*a)
            if a[0].type is None:
                self.fail("number-types", f"{name} of a bare number")
            return self.arithmetic(name, *a)
        extra = self.scope.function(self, name)
        if extra is None:
            self.fail("function", f"unknown function '{name}'")
        return extra

    def convert(self, op, wider):
        t = self.type_arg()
        self.take(",")
        (e,) = self.args(1, op)
        if e.type is None:
            return Node("const", t, data=e.data)
        if wider and WIDTH[e.type] > WIDTH[t]:
            self.fail("narrows", f"{op} cannot make {t} of {e.type}; "
                      f"use lo")
        if not wider and WIDTH[e.type] < WIDTH[t]:
            self.fail("widens", f"{op} cannot make {t} of {e.type}; "
                      f"use zx or sx")
        if e.type == t:
            return e
        return Node(op, t, [e])

    def fn_zx(self):
        return self.convert("zx", True)

    def fn_sx(self):
        return self.convert("sx", True)

    def fn_lo(self):
        return self.convert("lo", False)

    def fn_hi(self):
        t = self.type_arg()
        self.take(",")
        (e,) = self.args(1, "hi")
        if e.type is None or WIDTH[e.type] != 2 * WIDTH[t]:
            self.fail("half", f"{t} is not half of {e.type}")
        return Node("hi", t, [e])

    def fn_cat(self):
        a, b = self.same(*self.args(2, "cat"))
        wide = {"u8": "u16", "u16": "u32", "u32": "u64",
                "u64": "u128"}.get(a.type)
        if wide is None:
            self.fail("half", f"nothing is twice as wide as {a.type}")
        return Node("cat", wide, [a, b])

    def vectors(self, what, n):
        out = [self.of_type(a, "v128", what) for a in self.args(n, what)]
        return out

    def fn_lookup(self):
        """lookup(a, b): byte i is byte b[i] of a, or 0 if that is above
        15."""
        return Node("lookup", "v128", self.vectors("lookup", 2))

    def fn_pair(self):
        """pair(hi, lo): a vector of two halves."""
        hi, lo = (self.of_type(a, "u64", "pair") for a in
                  self.args(2, "pair"))
        return Node("pair", "v128", [hi, lo])

    def fn_pick(self):
        """pick(u32, v, i): lane i of a vector, modulo their number."""
        t = self.type_arg()
        self.take(",")
        v, i = self.args(2, "pick")
        v, i = self.of_type(v, "v128", "pick"), self.of_type(i, "u8", "pick")
        if t not in ("u8", "u16", "u32", "u64"):
            self.fail("lanes", f"no lanes of {t} here")
        return Node("pick", t, [v, i])

    def fn_load(self):
        t = self.type_arg()
        self.take(",")
        addr = self.address()
        self.take(")")
        return Node("load", t, [addr])

    def fn_amo(self):
        t = self.type_arg()
        self.take(",")
        op = self.word()
        if op not in AMO:
            self.fail("amo", f"'{op}' is no atomic operation")
        self.take(",")
        addr = self.address()
        self.take(",")
        value = self.settle(self.expr(), t)
        self.take(")")
        if value.type != t:
            self.fail("amo-type", f"amo of {t}, the value is {value.type}")
        return Node("amo", t, [addr, value], op)

    # Floating point works on bit patterns; the format is the first word.
    def fp_format(self, what):
        name = self.word()
        if name not in FP_TYPES or \
           (what in NOT_F80 if name == "f80" else what in F80_ONLY) or \
           (what in F32_ONLY and name != "f32"):
            self.fail("fp-type", f"'{name}' is no floating-point type, or has "
                      f"no {what}")
        self.take(",")
        return name

    def fp_args(self, what, types, rounds):
        args = self.args(len(types) + rounds, what)
        out = []
        for a, t in zip(args, types + ["u8"] * rounds):
            a = self.settle(a, t)
            if a.type != t:
                self.fail("fp-operand", f"{what} wants {t}, not {a.type}")
            out.append(a)
        return out

    def fp_function(name, operands, rounds, result=None):
        def method(self):
            f = self.fp_format(name)
            args = self.fp_args(name, [FP_TYPES[f]] * operands, rounds)
            return Node("fp", result or FP_TYPES[f], args,
                        {"name": f"{C_NAME.get(name, name[1:])}_{f}",
                         "rounds": rounds, "flags": name not in PURE_FP,
                         "f80": f == "f80"})
        return method

    fn_fadd = fp_function("fadd", 2, 1)
    fn_fsub = fp_function("fsub", 2, 1)
    fn_fmul = fp_function("fmul", 2, 1)
    fn_fdiv = fp_function("fdiv", 2, 1)
    fn_fsqrt = fp_function("fsqrt", 1, 1)
    fn_fround = fp_function("fround", 1, 1)
    fn_ffma = fp_function("ffma", 3, 1)
    fn_fmin = fp_function("fmin", 2, 0)
    fn_fmax = fp_function("fmax", 2, 0)
    fn_feq = fp_function("feq", 2, 0, "u1")
    fn_flt = fp_function("flt", 2, 0, "u1")
    fn_fle = fp_function("fle", 2, 0, "u1")
    fn_fclass = fp_function("fclass", 1, 0, "u32")
    fn_frcp = fp_function("frcp", 1, 0)
    fn_frsqrt = fp_function("frsqrt", 1, 0)
    for name, facts in F80_ONLY.items():
        vars()["fn_" + name] = fp_function(name, *facts)
    del name, facts

    def fn_fwiden(self):
        """fwiden(from, value): an operand of f80's arithmetic."""
        f = self.word()
        if f not in ("f32", "f64"):
            self.fail("fp-type", f"'{f}' is not f32 or f64")
        self.take(",")
        args = self.fp_args("fwiden", [FP_TYPES[f]], 0)
        return Node("fp", "u128", args, {"name": f"widen_{f}", "rounds": 0,
                                         "flags": False, "f80": True})

    def fn_fcvt(self):
        """fcvt(to, from, value, rounding): between formats and integers."""
        to = self.word()
        self.take(",")
        frm = self.word()
        self.take(",")
        kinds = {**FP_TYPES, **INT_TYPES}
        if to not in kinds or frm not in kinds or to == frm or \
           frm == "f80" or (to in INT_TYPES and frm in INT_TYPES) or \
           (to == "f80" and frm not in ("f32", "f64", "s64")):
            self.fail("fcvt", f"no conversion from '{frm}' to '{to}'")
        args = self.fp_args("fcvt", [kinds[frm]], 1)
        a, b = to.replace("s", "i"), frm.replace("s", "i")
        name = f"from_{b}_{a}" if frm in INT_TYPES else f"to_{a}_{b}"
        return Node("fp", kinds[to], args,
                    {"name": name, "rounds": 1, "flags": True,
                     "f80": to == "f80"})

    del fp_function

    # types
    def settle(self, e, t):
        """Give a bare number the type t."""
        if e.type is not None or t is None:
            return e
        if e.op == "const":
            bits = WIDTH[t]
            if not -(1 << (bits - 1)) <= e.data < (1 << bits):
                self.fail("range", f"{e.data} does not fit {t}")
            return Node("const", t, data=e.data & ((1 << bits) - 1))
        e.args = [a if n == 0 and e.op == "select" else self.settle(a, t)
                  for n, a in enumerate(e.args)]
        e.type = t
        return e

    def same(self, a, b):
        a, b = self.settle(a, b.type), self.settle(b, a.type)
        if a.type != b.type:
            self.fail("mixed-types", f"{a.type} and {b.type} do not mix")
        return a, b

    def of_type(self, e, t, what):
        e = self.settle(e, t)
        if e.type != t:
            self.fail("condition", f"{what} needs {t}, not {e.type}")
        return e


# Functions of values of one type, and how many they take.  NAME(a, b) is
# op_NAME_TYPE() of cpu/core/ops.h in a handler, IR_NAME in lifted code.
FUNCTIONS = {"clz": 1, "ctz": 1, "popcnt": 1, "bswap": 1, "udiv": 2,
             "urem": 2, "sdiv": 2, "srem": 2, "mulhu": 2, "mulhs": 2,
             "mulhsu": 2, "rol": 2, "ror": 2}
AMO = {"add", "swap", "and", "or", "xor", "min", "max", "minu", "maxu"}


def faults(node):
    """Can this operation fault?"""
    return node.op in ("load", "amo") or (
        node.op == "call" and "raises" in node.data.facts)


def check_row(row, stmts, fp_commits=True):
    """The law that makes an instruction restartable.

    All fault points come first (operands are read at entry, and the
    generator evaluates everything before it commits), then at most one
    commit that may itself fault, then the others.  Flags that fp raises are
    a commit, unless the dialect holds them back.
    """
    def fail(code, text):
        raise IsaError(code, row.line, f"{row.name}: {text}")

    def stores(s):
        return s.kind == "store" or s.kind == "set" and s.place.memory

    commits = [s for s in stmts if stores(s)]
    commits += [n for s in stmts for n in s.nodes()
                if n.op == "amo" or (n.op == "call" and
                                     "pure" not in n.data.facts)]
    flags = [n for s in stmts for n in s.nodes()
             if n.op == "fp" and n.data["flags"] and fp_commits]
    if len(commits) > 1:
        fail("two-commits", "two stores, atomics or helpers in a row: one "
             "could fault after the other took effect")
    committed = False
    for s in stmts:
        for n in s.nodes():
            if committed and faults(n):
                fail("fault-after-commit", "something can fault after a "
                     "commit (fp flags are one)")
            committed |= n in commits or n in flags
        if committed and (s.kind in ("fault", "raise") or stores(s)):
            fail("fault-after-commit", f"a {s.kind} can fault after a commit "
                 "(fp flags are one)")
        committed |= stores(s)
    check_flags(row, stmts, fail)
    exits = [s for s in stmts if s.kind in ("branch", "jump", "jumpr",
                                            "raise")]
    if len(exits) > 1:
        fail("two-exits", "a row has one exit at most")
    if exits and [s for s in stmts if s.kind != "undef"][-1] is not exits[0]:
        fail("exit-last", "the exit is the last statement")


def check_flags(row, stmts, fail):
    defs = [s for s in stmts if s.kind == "flags"]
    if len(defs) > 1:
        fail("two-flags", "a row defines its flags once")
    singles = [s.flag for s in stmts if s.kind == "setflag"]
    if len(set(singles)) < len(singles):
        fail("flag-twice", "a flag is set twice")
    if defs and defs[0].when is not None and singles:
        fail("flags-when", "a flag set beside flags that are set only "
             "sometimes")
