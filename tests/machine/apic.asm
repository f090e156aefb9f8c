; A PC's firmware that takes the local APIC's timer by MSRs alone, and writes to
; port E9h how many TSC ticks each took; test_apic.py judges.
;
;   O ticks       one shot of 100,000
;   P ticks       ten periods of 50,000
;   C count       what was left of 1,000,000 after 100,000 ticks or more
;   D ticks       a TSC deadline 200,000 ahead
;   X low high    that deadline's MSR behind it
;   A ticks       a deadline that has passed
;   N ticks       one that was taken back: none in 300,000
;   M ticks       a one shot of 100,000 under a deadline's mode: none either
;   S vector      an interrupt to itself by its register
;   E             the end: isa-debug-exit

%include "rom.inc"

GDT     equ 0x900
IDT     equ 0x1000
STACK0  equ 0x8000
CODE32  equ 0x08
DATA0   equ 0x10
count   equ 0x2000
vector  equ 0x2004
X2      equ 0x800

start:  PROTECT CODE32

        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dd GDT
idtr:   dw 0x7ff
        dd IDT

%macro WRMSR 2                  ; number, low half of the value
        mov ecx, %1
        mov eax, %2
        xor edx, edx
        wrmsr
%endmacro

; EBX: the TSC now.
%macro NOW 0
        rdtsc
        mov ebx, eax
%endmacro

; Say %1 and how long ago EBX was.
%macro TOOK 1
        rdtsc
        sub eax, ebx
        SAY32 %1, " "
        call hex32
        call newline32
%endmacro

        bits 32
pm:     SETUP
        PIC 0x20, 0x20, 4, 0xff
        PIC 0xa0, 0x28, 2, 0xff
        GATE32OF 0x40, tick
        GATE32OF 0x41, ipi
        lidt [LIN(idtr)]
        mov ecx, 0x1b
        rdmsr
        or eax, 0xc00
        wrmsr
        WRMSR X2 + 0xf, 0x1ff
        WRMSR X2 + 0x3e, 0xb                    ; by 1

        WRMSR X2 + 0x32, 0x40
        mov dword [count], 1
        NOW
        WRMSR X2 + 0x38, 100000
        call wait_ticks
        TOOK "O"

        WRMSR X2 + 0x32, 0x20040
        mov dword [count], 10
        NOW
        WRMSR X2 + 0x38, 50000
        call wait_ticks
        TOOK "P"
        WRMSR X2 + 0x38, 0

        WRMSR X2 + 0x32, 0x10040
        WRMSR X2 + 0x38, 1000000
        mov esi, 100000
        call pause_ticks
        mov ecx, X2 + 0x39
        rdmsr
        SAY32 "C "
        call hex32
        call newline32

        WRMSR X2 + 0x32, 0x40040
        mov dword [count], 1
        mov esi, 200000
        call deadline
        call wait_ticks
        TOOK "D"
        SAY32 "X "
        mov ecx, 0x6e0
        rdmsr
        call hex32
        mov eax, edx
        call hex32
        call newline32

        mov dword [count], 1
        mov esi, -1
        call deadline
        call wait_ticks
        TOOK "A"

        mov dword [count], 1
        mov esi, 200000
        call deadline
        WRMSR 0x6e0, 0
        mov esi, 300000
        call pause_ticks
        SAY32 "N "
        mov eax, [count]
        call hex32
        call newline32

        WRMSR X2 + 0x38, 100000                 ; not heeded
        mov esi, 300000
        call pause_ticks
        SAY32 "M "
        mov eax, [count]
        call hex32
        call newline32

        WRMSR X2 + 0x3f, 0x41
        mov dword [vector], 0
        sti
        nop
        nop
        cli
        SAY32 "S "
        mov eax, [vector]
        call hex32
        call newline32
        SAY32 "E"
        call newline32
        xor eax, eax
        jmp bye32

; A deadline ESI ticks ahead; EBX: now.
deadline:
        NOW
        mov edi, esi
        sar edi, 31
        add eax, esi
        adc edx, edi
        mov ecx, 0x6e0
        wrmsr
        ret

; Until [count] interrupts have come.
wait_ticks:
        cmp dword [count], 0
        je .end
        sti
        hlt
        cli
        jmp wait_ticks
.end:   ret

; ESI ticks, listening.
pause_ticks:
        sti
        rdtsc
        mov edi, eax
.next:  rdtsc
        sub eax, edi
        cmp eax, esi
        jb .next
        cli
        ret

tick:   push eax
        push ecx
        push edx
        dec dword [count]
        WRMSR X2 + 0xb, 0
        pop edx
        pop ecx
        pop eax
        iretd
ipi:    push eax
        push ecx
        push edx
        mov dword [vector], 0x41
        WRMSR X2 + 0xb, 0
        pop edx
        pop ecx
        pop eax
        iretd

%include "rom_end.inc"
