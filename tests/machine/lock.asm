; A PC's firmware in 64-bit mode whose two processors do the same locked
; operations on the same memory, and which then says what became of it;
; test_lock.py judges.
%include "rom.inc"

%define GDT 0x10000
%define STACK0 0x20000
%define PML4 0x102000
%define PDPT 0x103000
%define PDL 0x104000
%define CODE32 0x08
%define DATA0 0x10
%define CODE64 0x18

%define X2ICR 0x830
%define MEETINGS 0x170000       ; how many have come to each
%define D 0x180000              ; what is worked on
%define MANY 100000             ; done on the host
%define FEW 10000               ; stop the other processor

start:  PROTECT CODE32

        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
        dq 0x00af9b000000ffff
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dq GDT

        bits 32
pm:     SETUP
        mov ecx, 0x1b
        rdmsr
        or eax, 0xc00
        wrmsr
        test eax, 0x100
        jz .paging
        CLEAR PML4, 0x3000
        CLEAR MEETINGS, 0x20000
        mov dword [PML4], PDPT + 3
        mov dword [PDPT], PDL + 3
        mov dword [PDL], 0x83                   ; 2 MiB as they are
.paging:
        mov eax, 0x20
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        mov eax, 0x100
        xor edx, edx
        wrmsr
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp CODE64:LIN(wide)

%include "rom64.inc"
syscall64:                                      ; no fault is awaited
break64:
        jmp bye64
with:   dd 0

; Both are there.
%assign meeting 0
%macro MEET 0
        lock inc dword [MEETINGS + 4 * meeting]
%%wait: pause
        cmp dword [MEETINGS + 4 * meeting], 2
        jb %%wait
%assign meeting meeting + 1
%endmacro

; The first processor says the value of SIZE at PLACE.
%macro TELL 3
        test ebp, ebp
        jnz %%not
        SAY64 %1, " "
        mov %2, [%3]
        call hex64
        call newline64
%%not:
%endmacro

wide:   mov ecx, 0x802                          ; EBP: the APIC's number
        rdmsr
        mov ebp, eax
        mov rsp, STACK0
        test ebp, ebp
        jnz .other
        mov ecx, X2ICR
        mov edx, 1
        mov eax, 0x4500                         ; INIT
        wrmsr
        mov eax, 0x46f0                         ; SIPI: f000:0000
        wrmsr
        jmp work
.other: mov rsp, STACK0 - 0x1000

work:   MEET
        mov ecx, MANY
.add:   lock add dword [D], 1
        dec ecx
        jnz .add
        MEET
        TELL "add", eax, D

        xor ebx, ebx                            ; the sum of the old values
        mov ecx, MANY
.xadd:  mov eax, 1
        lock xadd [D + 0x40], rax
        add rbx, rax
        dec ecx
        jnz .xadd
        lock add [D + 0x48], rbx
        MEET
        TELL "xadd", rax, D + 0x40
        TELL "old", rax, D + 0x48

        mov ecx, MANY
.cmp:   mov eax, [D + 0x80]
.again: lea edx, [rax + 1]
        lock cmpxchg [D + 0x80], edx
        jnz .again
        dec ecx
        jnz .cmp
        MEET
        TELL "cmpxchg", eax, D + 0x80

        mov ecx, MANY / 10
        mov ebx, 37                             ; bit 5 of the next dword
.bts:   lock bts [D + 0xc0], ebx
        jnc .have
        pause
        jmp .bts
.have:  inc dword [D + 0xd0]
        lock btr dword [D + 0xc4], 5
        dec ecx
        jnz .bts
        MEET
        TELL "bts", eax, D + 0xd0
        TELL "btr", rax, D + 0xc0

        mov ecx, MANY                           ; neighbours
.near:  lock inc byte [rbp + D + 0x100]
        lock add word [2 * rbp + D + 0x104], 1
        dec ecx
        jnz .near
        MEET
        TELL "near", rax, D + 0x100

        mov ecx, MANY
.pair:  mov rax, [D + 0x140]
        mov rdx, [D + 0x148]
.twice: lea rbx, [rax + 1]
        mov rdi, rcx
        lea rcx, [rdx + 3]
        lock cmpxchg16b [D + 0x140]
        mov rcx, rdi
        jnz .twice
        dec ecx
        jnz .pair
        MEET
        TELL "low", rax, D + 0x140
        TELL "high", rax, D + 0x148

        ; What no host swaps at once.
        mov ecx, FEW
.odd:   lock add dword [D + 0x181], 1
        dec ecx
        jnz .odd
        MEET
        TELL "odd", eax, D + 0x181

        mov ecx, FEW
.cross: mov eax, 1
        lock xadd [D + 0x1000 - 3], rax
        dec ecx
        jnz .cross
        MEET
        TELL "cross", rax, D + 0x1000 - 3

        mov ecx, FEW
.xchg:  mov eax, 1
        xchg [D + 0x2000 - 2], eax
        test eax, eax
        jz .mine
        pause
        jmp .xchg
.mine:  inc dword [D + 0x1c0]
        mov dword [D + 0x2000 - 2], 0
        dec ecx
        jnz .xchg
        MEET
        TELL "xchg", eax, D + 0x1c0

        ; One does at once what overlaps with what the other does not.
        mov ecx, FEW
        test ebp, ebp
        jnz .over
        mov ecx, MANY / 2
.one:   lock add dword [D + 0x200], 1
        dec ecx
        jnz .one
        jmp .met
.over:  lock add dword [D + 0x202], 1
        dec ecx
        jnz .over
.met:   MEET
        TELL "overlap", rax, D + 0x200
        test ebp, ebp
        jz bye64
.end:   hlt
        jmp .end

bye64:  xor eax, eax
        BYE
        hlt
        jmp bye64

%include "rom_end.inc"
