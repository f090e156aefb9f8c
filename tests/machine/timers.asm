; A PC's firmware that measures each timer by the others and writes what it
; saw to port E9h; test_timers.py judges.
;
;   T hpet tsc pm apic pit      what each counted meanwhile, in hexadecimal
;   L ticks                     of counter 0 at 1 kHz, over 300 ms, of which
;                               the processor was deaf for 3 times 30 ms
;   B ticks                     deaf for 700 ms, and 200 ms more
;   E                           the end: isa-debug-exit

%include "rom.inc"

GDT     equ 0x900
IDT     equ 0x1000
STACK0  equ 0x8000
CODE32  equ 0x08
DATA0   equ 0x10
HPET    equ 0xfed00000
APIC    equ 0xfee00000
ticks   equ 0x2000
deaf    equ 0x2004              ; milliseconds that the handler is deaf
first   equ 0x2100              ; two samples: hpet, tsc, pm, apic, pit
second  equ 0x2120
KHZ     equ 1193                ; of the 8254
MS      equ 100000              ; of the HPET

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

        bits 32
pm:     SETUP
        ; PIIX4: ports at 600h
        mov eax, 0x80000b40
        mov ebx, 0x601
        call config
        mov eax, 0x80000b80
        mov ebx, 1
        call config
        mov dword [HPET + 0x10], 1
        ; APIC: on, its timer by 1, masked
        mov dword [APIC + 0xf0], 0x1ff
        mov dword [APIC + 0x3e0], 0xb
        mov dword [APIC + 0x320], 0x10000
        ; IRQ 0 alone
        PIC 0x20, 0x20, 4, 0xfe
        PIC 0xa0, 0x28, 2, 0xff
        GATE32OF 0x20, tick
        lidt [LIN(idtr)]

again:  mov dword [APIC + 0x380], 0xffffffff
        ; Counter 2: mode 2, 65536, its gate open.
        mov al, 1
        out 0x61, al
        mov al, 0xb4
        out 0x43, al
        xor al, al
        out 0x42, al
        out 0x42, al
        mov eax, 1
        call wait_ms
        mov edi, first
        call sample
        mov eax, 40
        call wait_ms
        mov edi, second
        call sample
        ; Not if counter 2 has gone round meanwhile: the host was away.
        mov eax, [second]
        sub eax, [first]
        cmp eax, 50 * MS
        ja again
        SAY32 "T "
        mov eax, [second]
        sub eax, [first]
        call hex32
        mov eax, [second + 4]
        sub eax, [first + 4]
        call hex32
        mov eax, [second + 8]
        sub eax, [first + 8]
        and eax, 0xffffff
        call hex32
        mov eax, [first + 12]
        sub eax, [second + 12]
        call hex32
        mov eax, [first + 16]
        sub eax, [second + 16]
        and eax, 0xffff
        call hex32
        call newline32
        dec dword [rounds_left]         ; memory is zero: 3 rounds
        cmp dword [rounds_left], -3
        jne again

        call start_ticks
        mov dword [deaf], 30
        mov ebx, 300
        call listen
        SAY32 "L "
        call say_ticks
        call start_ticks
        mov eax, 700
        call wait_ms                    ; IF is off
        mov ebx, 200
        call listen
        SAY32 "B "
        call say_ticks
        SAY32 "E"
        call newline32
        xor eax, eax
        jmp bye32

rounds_left equ 0x2008

; Counter 0 at 1 kHz, mode 2, from none.
start_ticks:
        mov al, 0x34
        out 0x43, al
        mov al, KHZ & 0xff
        out 0x40, al
        mov al, KHZ >> 8
        out 0x40, al
        mov dword [ticks], 0
        mov dword [deaf], 0
        ret

; With interrupts on for EBX ms.
listen: imul ebx, ebx, MS
        add ebx, [HPET + 0xf0]
.more:  sti
        hlt
        cli
        mov eax, [HPET + 0xf0]
        sub eax, ebx
        js .more
        ret

; Each 64th finds the processor deaf for a while.
tick:   push eax
        inc dword [ticks]
        mov eax, [ticks]
        and eax, 63
        cmp eax, 40
        jne .end
        mov eax, [deaf]
        call wait_ms
.end:   mov al, 0x20
        out 0x20, al
        pop eax
        iretd

config: mov dx, 0xcf8
        out dx, eax
        mov eax, ebx
        mov dx, 0xcfc
        out dx, eax
        ret

wait_ms:
        push ebx
        imul ebx, eax, MS
        add ebx, [HPET + 0xf0]
.more:  mov eax, [HPET + 0xf0]
        sub eax, ebx
        js .more
        pop ebx
        ret

; All timers within 20 us, to EDI; the HPET's count is that of the middle.
sample: mov esi, [HPET + 0xf0]
        rdtsc
        mov [edi + 4], eax
        mov dx, 0x608
        in eax, dx
        mov [edi + 8], eax
        mov eax, [APIC + 0x390]
        mov [edi + 12], eax
        mov al, 0x80
        out 0x43, al
        in al, 0x42
        mov ah, al
        in al, 0x42
        xchg al, ah
        movzx eax, ax
        mov [edi + 16], eax
        mov eax, [HPET + 0xf0]
        mov ecx, eax
        sub ecx, esi
        cmp ecx, 2000
        ja sample
        shr ecx, 1
        add esi, ecx
        mov [edi], esi
        ret

say_ticks:
        mov eax, [ticks]
        call hex32
        jmp newline32
%include "rom_end.inc"
