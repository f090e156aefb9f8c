#!/usr/bin/env python3
"""Writes the loops of `mapping` in x86-64 assembly, once for every variant.

    loops.py OUT.S

What a translator from RV64 would emit, from templates by hand: every guest
instruction has its sequence of host instructions here, as a function of where
guest registers live, how an access is checked, how the budget is polled and
how an indirect jump finds its target.  rbp is the CPU, as in jit/x86_64.
"""

import sys

HOT = 'a5 a4 a0 a3 sp s0 a1 a2 s1 a6 a7 s2'.split()
NUMBER = {'ra': 1, 'sp': 2, 't1': 6, 's0': 8, 's1': 9, 's2': 18, 's3': 19}
NUMBER.update(('a%d' % n, 10 + n) for n in range(8))
PINS = 'rbx rsi r8 r9 r10 r11 r12 r13 r14 r15'.split()
CALLEE_SAVED = 'rbx r12 r13 r14 r15'.split()

# Name: (host registers that hold guest registers, temporaries)
FILES = {
    '0': ([], ['rax', 'rdx', 'rcx']),
    '4': (PINS[:4], ['rax', 'rdx', 'rcx']),
    '5': (CALLEE_SAVED, ['rax', 'rdx', 'rcx']),
    '8': (PINS[:8], ['rax', 'rdx', 'rcx']),
    '10': (PINS, ['rax', 'rdx', 'rcx']),
    '11': (PINS + ['rdi'], ['rax', 'rdx', 'rcx']),
    '11t': (PINS + ['rcx'], ['rax', 'rdx']),
    '12': (PINS + ['rdi', 'rcx'], ['rax', 'rdx']),
}
FILE_NAMES = {
    '0': 'no pins', '11': '11, budget in memory', '11t': '11, 2 temporaries',
    '12': '12, both',
}


def file_name(f):
    return FILE_NAMES.get(f, f + ' pins')


class Loop:
    """One variant of one loop."""

    serial = 0
    stubs = set()

    def __init__(self, out, file='10', check='today', poll=None, jump='cache',
                 save='all'):
        Loop.serial += 1
        self.out, self.id = out, Loop.serial
        self.file, self.check, self.jump = file, check, jump
        self.hosts, self.temps = FILES[file]
        self.save = save
        in_memory = 'rdi' in self.hosts
        self.poll_kind = poll or ('memory' if in_memory else 'sub')
        self.pin = dict(zip(HOT, self.hosts))
        self.labels = 0
        self.cold = []
        self.sites = []
        self.held = None
        self.places = []

    def e(self, text):
        self.out.append('\t' + text)

    def label(self, name):
        self.held = None
        self.out.append('.L%d_%s:' % (self.id, name))

    def name(self, name):
        return '.L%d_%s' % (self.id, name)

    def fresh(self):
        self.labels += 1
        return 'n%d' % self.labels

    # --- where guest registers are

    @staticmethod
    def slot(g):
        return 'qword ptr [rbp + X + %d]' % (8 * NUMBER[g])

    def op(self, g):
        return self.pin.get(g) or self.slot(g)

    def in_register(self, g, temp):
        """Guest register g in a host register: its own, or temp."""
        if g in self.pin:
            return self.pin[g]
        self.e('mov %s, %s' % (temp, self.op(g)))
        return temp

    def result(self, g):
        return self.pin.get(g, self.temps[0])

    def done(self, g, at):
        self.held = None
        if g not in self.pin:
            self.e('mov %s, %s' % (self.op(g), at))

    def fill(self):
        for g, h in self.pin.items():
            self.e('mov %s, %s' % (h, self.slot(g)))

    # --- register instructions

    def alu(self, op, d, a, b):
        r = self.result(d)
        if d == b and d != a and d in self.pin:
            if op == 'sub':
                r = self.temps[0]
            else:
                a, b = b, a
        if op == 'add' and d != a and a in self.pin and b in self.pin:
            self.e('lea %s, [%s + %s]' % (r, self.pin[a], self.pin[b]))
        else:
            if r != self.op(a):
                self.e('mov %s, %s' % (r, self.op(a)))
            self.e('%s %s, %s' % (op, r, self.op(b)))
        if d in self.pin and r != self.pin[d]:
            self.e('mov %s, %s' % (self.pin[d], r))
        self.done(d, r)

    def imm(self, op, d, a, k):
        r = self.result(d)
        if op == 'add' and d != a and a in self.pin:
            self.e('lea %s, [%s + %d]' % (r, self.pin[a], k))
        else:
            if r != self.op(a):
                self.e('mov %s, %s' % (r, self.op(a)))
            if op == 'neg':
                self.e('neg ' + r)
            elif k or op != 'add':
                self.e('%s %s, %d' % (op, r, k))
        self.done(d, r)

    def li(self, d, k):
        self.e('mov %s, %d' % (self.op(d), k))
        self.held = None

    # --- memory

    def lookup(self, b, lo, size, write, t, u, memory_base):
        """Leaves the addend in t if the access is to this entry's page."""
        tab = 'WRITE' if write else 'READ'
        base = b
        if self.check == 'last page':
            slot = '%s + %d' % ('PLACES_WRITE' if write else 'PLACES',
                                16 * NUMBER[self.base])
            self.e('lea %s, [%s + %d]' % (t, base, lo + size - 1))
            self.e('and %s, -4096' % t)
            self.e('cmp %s, [rbp + %s]' % (t, slot))
            return '[rbp + %s + 8]' % slot
        if self.check == 'pext':
            pages = 'PAGES_WRITE' if write else 'PAGES'
            self.e('lea %s, [%s + %d]' % (t, base, lo + size - 1))
            if lo:
                self.e('lea %s, [%s + %d]' % (u, base, lo))
                base = u
            self.e('pext %s, %s, [rbp + PEXT_MASK]' % (u, base))
            self.e('and %s, -4096' % t)
            self.e('cmp %s, [rbp + %s*8 + %s]' % (t, u, pages))
            return '[rbp + %s*8 + %s + 32768]' % (u, pages)
        if memory_base:
            self.e('mov %s, %s' % (u, memory_base))
            self.e('add %s, %d' % (u, lo))
            self.e('mov %s, %s' % (t, memory_base))
            self.e('add %s, %d' % (t, lo + size - 1))
        else:
            self.e('lea %s, [%s + %d]' % (t, base, lo + size - 1))
            self.e('lea %s, [%s + %d]' % (u, base, lo))
        u32 = {'rdx': 'edx', 'rcx': 'ecx'}[u]
        self.e('shr %s, 8' % u32)
        self.e('and %s, -4096' % t)
        self.e('and %s, TLB_MASK' % u32)
        if self.check != 'no context' and 'plain' not in self.check:
            self.e('or %s, [rbp + CONTEXT]' % t)
        self.e('cmp %s, [rbp + %s + %s]' % (t, u, tab))
        return '[rbp + %s + %s + 8]' % (u, tab)

    def access(self, base, disp, write, span):
        """Operand of the access, a free temporary, and its miss label."""
        self.base = base
        if self.check == 'none':
            b = self.in_register(base, 'rax')
            return '[%s + %d]' % (b, disp), 'rdx', None
        if self.held and self.held[:2] == (base, write):
            t, b, u = self.held[2:]
            return '[%s + %s + %d]' % (t, b, disp), u, None
        lo, size = disp, 8
        if self.check.startswith('elided') and span:
            lo, size = span[0], span[1] - span[0]
        memory = None
        t, u = 'rax', self.temps[-1]
        if base in self.pin:
            b = self.pin[base]
        elif len(self.temps) == 3:
            self.e('mov rax, ' + self.op(base))
            b, t = 'rax', 'rdx'
        else:
            b, memory = '0', self.op(base)
        addend = self.lookup(b, lo, size, write, t, u, memory)
        miss = self.fresh()
        self.e('jne ' + self.name(miss))
        self.e('mov %s, %s' % (t, addend))
        if self.check == 'last page':
            self.label(miss + 'b')
            self.places.append((miss, base, b, lo, size, write, t, u))
            miss = None
        if memory:
            self.e('add %s, %s' % (t, memory))
            return '[%s + %d]' % (t, disp), u, miss
        if self.check.startswith('elided') and span:
            self.held = (base, write, t, b, u)
        return '[%s + %s + %d]' % (t, b, disp), u, miss

    def ld(self, d, disp, base, span=None):
        operand, u, miss = self.access(base, disp, False, span)
        held = self.held if d != base else None
        r = self.pin.get(d, u)
        self.e('mov %s, %s' % (r, operand))
        back = self.fresh()
        self.label(back)
        self.done(d, r)
        self.held = held
        if miss:
            self.cold.append((miss, back, 'load', base, disp, r))

    def sd(self, s, disp, base, span=None):
        operand, u, miss = self.access(base, disp, True, span)
        held = self.held
        self.e('mov %s, %s' % (operand, self.in_register(s, u)))
        back = self.fresh()
        self.label(back)
        self.held = held
        if miss:
            self.cold.append((miss, back, 'store', base, disp, s))

    def write_place(self, miss, base, b, lo, size, write, t, u):
        """Another page than the last off this base: the soft TLB."""
        place = 'PLACES%s + %d' % ('_WRITE' if write else '',
                                   16 * NUMBER[base])
        self.label(miss)
        self.check = 'no context'
        addend = self.lookup(b, lo, size, write, t, u, None)
        self.check = 'last page'
        self.e('jne ' + self.name('poll'))
        self.e('mov [rbp + %s], %s' % (place, t))
        self.e('mov %s, %s' % (t, addend))
        self.e('mov [rbp + %s + 8], %s' % (place, t))
        self.e('jmp ' + self.name(miss + 'b'))

    def write_cold(self):
        for place in self.places:
            self.write_place(*place)
        for miss, back, what, base, disp, r in self.cold:
            self.label(miss)
            if self.check != 'today':
                self.e('ud2') # these never miss: the tables are full
                continue
            self.e('mov rax, ' + self.op(base))
            self.e('add rax, %d' % disp)
            if what == 'store':
                self.e('mov rdx, ' + self.op(r))
            self.e('call stub_%s_%s_%s' % (what, self.file, self.save))
            Loop.stubs.add((what, self.file, self.save))
            if what == 'load' and r != 'rax':
                self.e('mov %s, rax' % r)
            self.e('jmp ' + self.name(back))
        self.label('poll')
        self.e('ud2') # the budget is enough

    # --- ways out of a block

    def poll(self, n):
        if self.poll_kind == 'sub':
            self.e('sub rdi, %d' % n)
            self.e('js ' + self.name('poll'))
        elif self.poll_kind == 'memory':
            self.e('sub qword ptr [rbp + BUDGET], %d' % n)
            self.e('js ' + self.name('poll'))
        elif self.poll_kind == 'flag':
            self.e('cmp dword ptr [rbp + FLAG], 0')
            self.e('jne ' + self.name('poll'))

    def exit_if(self, cc, a, b, to, n):
        """If a cc b, to the block `to` after n instructions."""
        over = self.fresh()
        contrary = {'ne': 'e', 'ge': 'l'}[cc]
        if b == 'zero':
            if a in self.pin:
                self.e('test %s, %s' % (self.pin[a], self.pin[a]))
            else:
                self.e('cmp %s, 0' % self.op(a))
        else:
            self.e('cmp %s, %s' % (self.in_register(a, 'rax'), self.op(b)))
        self.e('j%s %s' % (contrary, self.name(over)))
        self.poll(n)
        self.e('jmp ' + self.name(to))
        self.label(over)

    def repeat_if(self, cc, a, b, n):
        """The end of a loop's last block, of n instructions."""
        self.exit_if(cc, a, b, 'start', n)
        self.poll(n)

    def site(self, name):
        """A block that indirect jumps reach; its guest pc."""
        self.sites.append(name)
        return 'PC_BASE + %d' % (16 * (len(self.sites) - 1))

    def call(self, to, back, n):
        """Call `to` as the n-th instruction; the code of `back` follows."""
        pc = self.site(back)
        self.e('mov rax, [rbp + PAGE]')
        self.e('add rax, (%s) & 4095' % pc)
        self.e('mov %s, rax' % self.op('ra'))
        if self.jump == 'shadow':
            self.e('mov ecx, [rbp + SHADOW_AT]')
            self.e('add ecx, 16')
            self.e('and ecx, SHADOW_MASK')
            self.e('mov [rbp + SHADOW_AT], ecx')
            self.e('lea rdx, %s[rip]' % self.name(back))
            self.e('mov [rbp + rcx + SHADOW], rax')
            self.e('mov [rbp + rcx + SHADOW + 8], rdx')
        elif self.jump == 'host':
            self.e('cmp rsp, [rbp + STACK_LIMIT]')
            self.e('jb ' + self.name('poll'))
            self.poll(n)
            self.e('push rax')
            self.e('call ' + self.name(to))
            self.e('add rsp, 8')
            self.label(back)
            return
        self.poll(n)
        self.e('jmp ' + self.name(to))
        self.label(back)

    def indirect(self, g, n, returns=False):
        """Jump to where g says, as the n-th instruction."""
        self.e('mov rax, ' + self.op(g))
        self.e('and rax, -2')
        self.poll(n)
        jump = self.jump
        if jump in ('shadow', 'host') and not returns:
            jump = 'cache'
        if jump == 'cache':
            jump_cache(self.e, self.temps, self.op(g), self.name('poll'))
        elif jump == 'direct':
            self.e('lea ecx, [rax*8]')
            self.e('and ecx, TLB_MASK')
            self.e('cmp rax, [rbp + rcx + DIRECT]')
            self.e('jne ' + self.name('poll'))
            self.e('and rax, -4096')
            self.e('mov [rbp + PAGE], rax')
            self.e('jmp [rbp + rcx + DIRECT + 8]')
        elif jump == 'stub':
            self.e('jmp stub_jump')
        elif jump == 'shadow':
            self.e('mov ecx, [rbp + SHADOW_AT]')
            self.e('cmp rax, [rbp + rcx + SHADOW]')
            self.e('jne ' + self.name('poll'))
            self.e('lea edx, [rcx - 16]')
            self.e('and edx, SHADOW_MASK')
            self.e('mov [rbp + SHADOW_AT], edx')
            self.e('and rax, -4096')
            self.e('mov [rbp + PAGE], rax')
            self.e('jmp [rbp + rcx + SHADOW + 8]')
        elif jump == 'host':
            self.e('cmp rax, [rsp + 8]')
            self.e('jne ' + self.name('poll'))
            self.e('and rax, -4096')
            self.e('mov [rbp + PAGE], rax')
            self.e('ret')

    def helper(self):
        """A guest instruction that is a C function."""
        self.e('call stub_helper_%s_%s' % (self.file, self.save))
        Loop.stubs.add(('helper', self.file, self.save))

    # --- the frame

    def begin(self):
        self.out.append('\t.p2align 6')
        self.out.append('loop_%d:' % self.id)
        for r in 'rbx rbp r12 r13 r14 r15'.split():
            self.e('push ' + r)
        self.e('sub rsp, 8')
        self.e('mov rbp, rdi')
        if 'rdi' not in self.hosts:
            self.e('mov rdi, [rbp + BUDGET]')
        self.fill()
        self.e('jmp ' + self.name('start'))
        self.out.append('\t.p2align 6')
        self.label('start')

    def end(self):
        self.label('end')
        for g, h in self.pin.items():
            self.e('mov %s, %s' % (self.slot(g), h))
        if self.poll_kind == 'sub':
            self.e('mov [rbp + BUDGET], rdi')
        self.e('add rsp, 8')
        for r in 'r15 r14 r13 r12 rbp rbx'.split():
            self.e('pop ' + r)
        self.e('ret')
        self.write_cold()


def jump_cache(e, temps, source, miss):
    """rax: the guest's pc.  Through the jump cache, as jit/x86_64 does."""
    if len(temps) == 3:
        e('mov edx, eax')
        e('mov ecx, eax')
        e('shr edx, 6')
        e('and edx, 0xfc0')
        e('shr ecx, 6')
        e('xor ecx, eax')
        e('shr ecx, 1')
        e('and ecx, 63')
        e('or ecx, edx')
        e('lea rcx, [rcx + rcx*2]')
        e('cmp rax, [rbp + rcx*8 + JCACHE]')
        e('jne ' + miss)
        e('mov rdx, [rbp + JUMP_CONTEXT]')
        e('cmp rdx, [rbp + rcx*8 + JCACHE + 8]')
        e('jne ' + miss)
        e('mov rcx, [rbp + rcx*8 + JCACHE + 16]')
        e('and rax, -4096')
        e('mov [rbp + PAGE], rax')
        e('movabs rdx, ENTER')
        e('cmp rdx, [rcx]')
        e('jne ' + miss)
        e('jmp [rcx + CODE_OFFSET]')
        return
    e('mov edx, eax')
    e('shr edx, 6')
    e('xor edx, eax')
    e('shr edx, 1')
    e('and edx, 63')
    e('shr eax, 6')
    e('and eax, 0xfc0')
    e('or edx, eax')
    e('mov rax, ' + source)
    e('and rax, -2')
    e('lea rdx, [rdx + rdx*2]')
    e('cmp rax, [rbp + rdx*8 + JCACHE]')
    e('jne ' + miss)
    e('and rax, -4096')
    e('mov [rbp + PAGE], rax')
    e('mov rax, [rbp + JUMP_CONTEXT]')
    e('cmp rax, [rbp + rdx*8 + JCACHE + 8]')
    e('jne ' + miss)
    e('mov rdx, [rbp + rdx*8 + JCACHE + 16]')
    e('movabs rax, ENTER')
    e('cmp rax, [rdx]')
    e('jne ' + miss)
    e('jmp [rdx + CODE_OFFSET]')


def stub(out, what, file, save):
    """C function with the guest's registers stored, all or as needed."""
    def e(text):
        out.append('\t' + text)

    hosts = FILES[file][0]
    moved = [(8 * NUMBER[g], h) for g, h in zip(HOT, hosts)
             if save == 'all' or h not in CALLEE_SAVED]
    out.append('\t.p2align 4')
    out.append('stub_%s_%s_%s:' % (what, file, save))
    for slot, h in moved:
        e('mov [rbp + X + %d], %s' % (slot, h))
    e('push rdi')
    e('mov rdi, rbp')
    e('mov rsi, rax')
    e('call slow_' + what)
    e('pop rdi')
    for slot, h in moved:
        e('mov %s, [rbp + X + %d]' % (h, slot))
    e('ret')


# --- the loops: guest code ---------------------------------------------------

def crc(l):
    """Four registers: a bitwise CRC."""
    l.imm('and', 'a5', 'a0', 1)
    l.imm('neg', 'a5', 'a5', 0)
    l.alu('and', 'a5', 'a5', 'a4')
    l.imm('shr', 'a0', 'a0', 1)
    l.alu('xor', 'a0', 'a0', 'a5')
    l.imm('add', 'a3', 'a3', -1)
    l.repeat_if('ne', 'a3', 'zero', 7)


def matrix(l, stride=16, out_stride=8):
    """13 live registers: two by two products of a matrix multiplication."""
    l.ld('a4', 0, 'a0', (0, 16))
    l.ld('a5', 8, 'a0', (0, 16))
    l.ld('a6', 0, 'a1', (0, 16))
    l.ld('a7', 8, 'a1', (0, 16))
    for s, a, b in (('s0', 'a4', 'a6'), ('s1', 'a4', 'a7'),
                    ('s2', 'a5', 'a6'), ('s3', 'a5', 'a7')):
        l.alu('imul', 't1', a, b)
        l.alu('add', s, s, 't1')
    l.sd('s0', 0, 'a2')
    l.imm('add', 'a2', 'a2', out_stride)
    l.imm('add', 'a1', 'a1', stride)
    l.imm('add', 'a0', 'a0', stride)
    l.repeat_if('ne', 'a0', 'a3', 17)


def matrix_pages(l):
    """The same with each element on a page of its own."""
    matrix(l, 4096, 4096)


def walk(l):
    """A linked list: the address of a load is the one before it."""
    l.ld('a4', 8, 'a0', (0, 16))
    l.ld('a0', 0, 'a0', (0, 16))
    l.alu('add', 'a5', 'a5', 'a4')
    l.repeat_if('ne', 'a0', 'zero', 4)


def two_walk(l):
    """The same list over two pages, in random order: the worst to predict."""
    walk(l)


def far_walk(l):
    """The same over 64 pages."""
    walk(l)


def insert(l):
    """The inner loop of an insertion sort, in descending order of input."""
    l.ld('a4', -8, 'a0', (-8, 8))
    l.exit_if('ge', 'a5', 'a4', 'end', 2)
    l.sd('a4', 0, 'a0', (-8, 8))
    l.imm('add', 'a0', 'a0', -8)
    l.repeat_if('ne', 'a0', 'a3', 5)


def fib(l):
    """Recursive Fibonacci numbers."""
    frame = (8, 32)

    def leave(n):
        l.ld('ra', 24, 'sp', frame)
        l.ld('s0', 16, 'sp', frame)
        l.ld('s1', 8, 'sp', frame)
        l.imm('add', 'sp', 'sp', 32)
        l.indirect('ra', n, True)

    if l.jump == 'host':
        l.e('push %s' % l.op('ra'))
        l.e('call ' + l.name('fib'))
        l.e('add rsp, 8')
    elif l.jump == 'shadow':
        l.e('mov rax, ' + l.op('ra'))
        l.e('lea rdx, %s[rip]' % l.name('end'))
        l.e('mov ecx, [rbp + SHADOW_AT]')
        l.e('mov [rbp + rcx + SHADOW], rax')
        l.e('mov [rbp + rcx + SHADOW + 8], rdx')
    if l.jump == 'host':
        l.e('jmp ' + l.name('end'))
    l.label('fib')
    l.imm('add', 'sp', 'sp', -32)
    l.sd('ra', 24, 'sp', frame)
    l.sd('s0', 16, 'sp', frame)
    l.sd('s1', 8, 'sp', frame)
    l.imm('add', 's0', 'a0', 0)
    l.li('a5', 1)
    l.exit_if('ge', 'a5', 'a0', 'small', 7)
    l.imm('add', 'a0', 's0', -1)
    l.call('fib', 'first', 9)
    l.imm('add', 's1', 'a0', 0)
    l.imm('add', 'a0', 's0', -2)
    l.call('fib', 'second', 3)
    l.alu('add', 'a0', 'a0', 's1')
    leave(6)
    l.label('small')
    leave(5)


def dispatch(l):
    """A bytecode interpreter with eight operations, in threaded code."""
    for i in range(8):
        l.site('op%d' % i)
    for i in range(8):
        l.label('op%d' % i)
        l.imm(('add', 'xor')[i & 1], 'a0', 'a0', 3 * i + 1)
        l.ld('a5', 0, 'a3')
        l.imm('add', 'a3', 'a3', 8)
        l.indirect('a5', 4)


def helper(l):
    """A loop around an instruction that is a helper."""
    l.helper()
    l.imm('add', 'a3', 'a3', -1)
    l.repeat_if('ne', 'a3', 'zero', 3)


def no_helper(l):
    """The same without it."""
    l.imm('add', 'a3', 'a3', -1)
    l.repeat_if('ne', 'a3', 'zero', 2)


CHECKS = ('today', 'no context', 'pext', 'last page', 'elided',
          'elided, plain', 'none')
CHECK_NAMES = {
    'today': 'as today', 'pext': 'pext, no context',
    'last page': "base register's last page",
    'elided': 'one check a base', 'elided, plain': 'the same, no context',
    'none': 'no check',
}
POLLS = (('sub', 'sub rdi'), ('memory', 'sub in memory'),
         ('flag', 'flag in memory'), ('none', 'none'))
JUMPS = (('cache', 'jump cache, inline'), ('stub', 'jump cache, in a stub'),
         ('direct', 'leaner cache, inline'),
         ('shadow', 'shadow stack, jmp'), ('host', 'shadow stack, call/ret'))


def table():
    """(group, loop, row, is the group's baseline, miss rate, settings)"""
    for loop in (crc, matrix, fib):
        for f in ('10', '0', '4', '8', '11', '11t', '12'):
            yield 'pins', loop, file_name(f), f == '10', 0, {'file': f}
    for loop in (matrix, insert, walk, two_walk, far_walk, fib):
        for c in CHECKS:
            if loop is insert and 'elided' in c:
                continue # one load and one store: nothing to elide
            yield ('check', loop, CHECK_NAMES.get(c, c), c == 'today', 0,
                   {'check': c})
    for f in ('10', '8', '0'):
        for save in ('all', 'caller'):
            if f == '0' and save == 'caller':
                continue
            for miss in (0, 10, 100):
                row = '%s%s, %d %%' % (
                    file_name(f), ', %s saved' % save if f != '0' else '',
                    miss / 10)
                yield ('miss', matrix_pages, row,
                       (f, save, miss) == ('10', 'all', 0), miss,
                       {'file': f, 'save': save})
    yield 'helper', no_helper, 'no call, 10 pins', False, 0, {}
    for f, save in (('0', 'all'), ('5', 'caller'), ('8', 'all'),
                    ('8', 'caller'), ('10', 'all'), ('10', 'caller'),
                    ('11', 'all'), ('11', 'caller')):
        saved = {'0': '', '5': ', all callee-saved'}.get(
            f, ', %s saved' % save)
        yield ('helper', helper, '%s pins%s' % (f if f != '0' else 'no',
                                                saved),
               (f, save) == ('10', 'all'), 0, {'file': f, 'save': save})
    for loop in (crc, insert, fib):
        for p, row in POLLS:
            yield 'poll', loop, row, p == 'sub', 0, {'poll': p}
    for j, row in JUMPS:
        yield 'jump', fib, row, j == 'cache', 0, {'jump': j}
    for j, row in JUMPS[:3]:
        yield 'jump', dispatch, row, j == 'cache', 0, {'jump': j}
    for j, c, row in (('cache', 'today', 'as today'),
                      ('direct', 'elided', 'leaner cache, one check'),
                      ('host', 'elided', 'call/ret, one check'),
                      ('host', 'last page', 'call/ret, last page'),
                      ('host', 'none', 'call/ret, no check')):
        yield ('together', fib, row, c == 'today', 0, {'jump': j, 'check': c})


def main():
    out, rows, sites = [], [], []
    for group, loop, row, base, miss, settings in table():
        l = Loop(out, **settings)
        l.begin()
        loop(l)
        l.end()
        rows.append('\t.quad s_%s, s_%s, s_%d, %d, %d, loop_%d, '
                    '.L%d_end - .L%d_start, sites_%d' %
                    (group, loop.__name__, l.id, base, miss, l.id, l.id,
                     l.id, l.id))
        sites.append('s_%d: .asciz "%s"' % (l.id, row))
        sites.append('\t.p2align 3\nsites_%d: .quad %s' % (l.id, ', '.join(
            ['.L%d_%s' % (l.id, s) for s in l.sites] +
            ['.L%d_end' % l.id, '0'])))
    out.append('\t.p2align 6\nstub_jump:')
    jump_cache(lambda t: out.append('\t' + t), ['rax', 'rdx', 'rcx'], '',
               'stub_fail')
    out.append('stub_fail:\n\tud2')
    for what, f, save in sorted(Loop.stubs):
        stub(out, what, f, save)
    words = sorted({g for g, *_ in table()} |
                   {l.__name__ for _, l, *_ in table()})
    with open(sys.argv[1], 'w', encoding='ascii') as f:
        f.write('/* Written by loops.py. */\n#include "mapping.h"\n'
                '\t.intel_syntax noprefix\n'
                '\t.hidden slow_load, slow_store, slow_helper\n'
                '\t.text\n' + '\n'.join(out) +
                '\n\t.section .data.rel.ro, "aw"\n' +
                '\n'.join('s_%s: .asciz "%s"' % (w, w.replace('_', ' '))
                          for w in words) +
                '\n' + '\n'.join(sites) +
                '\n\t.p2align 3\n\t.globl variants\n\t.hidden variants\n'
                'variants:\n' + '\n'.join(rows) + '\n\t.quad 0\n'
                '\t.section .note.GNU-stack, "", @progbits\n')


main()
