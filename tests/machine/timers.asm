; A PC's firmware that measures each timer by the others and writes what it
; saw to port E9h; test_timers.py judges.
;
;   T hpet tsc pm apic pit      what each counted meanwhile, in hexadecimal
;   L ticks                     of counter 0 at 1 kHz, over 300 ms, of which
;                               the processor was deaf for 3 times 30 ms
;   B ticks                     deaf for 700 ms, and 200 ms more
;   E                           the end: isa-debug-exit
;
; nasm -f bin; 64 KiB, the last byte at FFFFFFFFh.
        bits 16
        org 0x10000
%define LIN(label) (0xffff0000 + (label) - 0x10000)
CODE    equ 0x08
DATA    equ 0x10
HPET    equ 0xfed00000
APIC    equ 0xfee00000
STACK   equ 0x8000
IDT     equ 0x1000
IDTR    equ 0x0ff0
ticks   equ 0x2000
deaf    equ 0x2004              ; milliseconds that the handler is deaf
first   equ 0x2100              ; two samples: hpet, tsc, pm, apic, pit
second  equ 0x2120
KHZ     equ 1193                ; of the 8254
MS      equ 100000              ; of the HPET

gdt:    dq 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
gdtr:   dw 23
        dd LIN(gdt)

real:   cli
        o32 lgdt [cs:gdtr - 0x10000]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE:LIN(flat)

        bits 32
flat:   mov ax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
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
        mov dword [APIC + 0x380], 0xffffffff
        ; 8259s: bases 20h and 28h, IRQ 0 alone
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, 0x20
        out 0x21, al
        mov al, 0x28
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xfe
        out 0x21, al
        mov al, 0xff
        out 0xa1, al
        ; IDT: one gate
        mov eax, LIN(tick)
        mov word [IDT + 0x20 * 8], ax
        mov word [IDT + 0x20 * 8 + 2], CODE
        shr eax, 16
        mov word [IDT + 0x20 * 8 + 6], ax
        mov word [IDT + 0x20 * 8 + 4], 0x8e00
        mov word [IDTR], 0x7ff
        mov dword [IDTR + 2], IDT
        lidt [IDTR]

again:  ; counter 2: mode 2, 65536, its gate open
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
        mov al, 'T'
        out 0xe9, al
        mov eax, [second]
        sub eax, [first]
        call hex
        mov eax, [second + 4]
        sub eax, [first + 4]
        call hex
        mov eax, [second + 8]
        sub eax, [first + 8]
        and eax, 0xffffff
        call hex
        mov eax, [first + 12]
        sub eax, [second + 12]
        call hex
        mov eax, [first + 16]
        sub eax, [second + 16]
        and eax, 0xffff
        call hex
        call newline
        dec dword [rounds_left]         ; memory is zero: 3 rounds
        cmp dword [rounds_left], -3
        jne again

        call start_ticks
        mov dword [deaf], 30
        mov ebx, 300
        call listen
        mov al, 'L'
        call say_ticks
        call start_ticks
        mov eax, 700
        call wait_ms                    ; IF is off
        mov ebx, 200
        call listen
        mov al, 'B'
        call say_ticks
        mov al, 'E'
        out 0xe9, al
        call newline
        mov dx, 0x501
        xor eax, eax
        out dx, eax
        hlt

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
        out 0xe9, al
        mov eax, [ticks]
        call hex
        jmp newline

hex:    mov ebx, eax
        mov al, ' '
        out 0xe9, al
        mov ecx, 8
.digit: rol ebx, 4
        mov al, bl
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        out 0xe9, al
        loop .digit
        ret

newline:
        mov al, 10
        out 0xe9, al
        ret

        times 0xfff0 - ($ - $$) db 0
        bits 16
        jmp real
        times 0x10000 - ($ - $$) db 0
