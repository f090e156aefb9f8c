; A PC's firmware that shows a picture of 640x480 and says at port E9h what it
; gets; for test_display.py.
;
;   ready            all is set up
;   K xx, M xx       a byte of the keyboard or of the mouse
;   S xx             one of the first serial line
;   button           the power button
;   J b xx xx xx xx  the game port: its buttons, its axes from 00 to FF, or .. of
;                    a one-shot that does not end
;
; A space inverts line 100, Q powers off, J looks at the game port.
; nasm -f bin; 64 KiB, the last byte at FFFFFFFFh.
        bits 16
        org 0x10000
%define LIN(label) (0xffff0000 + (label) - 0x10000)
CODE    equ 0x08
DATA    equ 0x10
STACK   equ 0x8000
SCREEN  equ 0xe0000000          ; the VGA's window
WIDTH   equ 640
HEIGHT  equ 480
PM      equ 0x600               ; the PIIX4's ports

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
        mov eax, 0x80000b40     ; PIIX4: ports at PM
        mov ebx, PM | 1
        call config
        mov eax, 0x80000b80
        mov ebx, 1
        call config
        ; The display: the first slot of its class.
        mov esi, 0x80000008
.slot:  mov eax, esi
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc
        in eax, dx
        shr eax, 16
        cmp eax, 0x300
        je .found
        add esi, 0x800
        jmp .slot
.found: lea eax, [esi + 8]      ; its window
        mov ebx, SCREEN
        call config
        lea eax, [esi - 4]      ; ports and memory on
        mov ebx, 3
        call config

        mov edi, LIN(mode)
.mode:  movzx ecx, word [edi]
        movzx eax, word [edi + 2]
        add edi, 4
        xchg eax, ecx
        mov dx, 0x1ce
        out dx, ax
        mov dx, 0x1cf
        mov eax, ecx
        out dx, ax
        cmp edi, LIN(mode.end)
        jb .mode

        mov dx, 0x3da           ; the attribute controller: not blank
        in al, dx
        mov dx, 0x3c0
        mov al, 0x20
        out dx, al

        ; red x, green y, blue their difference
        mov edi, SCREEN
        xor ebx, ebx
.line:  xor ecx, ecx
.dot:   mov eax, ecx
        shl eax, 8
        mov al, bl
        shl eax, 8
        mov edx, ecx
        sub edx, ebx
        mov al, dl
        stosd
        inc ecx
        cmp ecx, WIDTH
        jb .dot
        inc ebx
        cmp ebx, HEIGHT
        jb .line

        ; 8042: interrupts off, translation, both lines open
        mov al, 0x60
        call command
        mov al, 0x40
        call data
        mov esi, LIN(hello)
.next:  lodsb
        cmp al, 0xd4
        jne .talk
        call command
        lodsb
.talk:  call data
.ack:   in al, 0x64
        test al, 1
        jz .ack
        in al, 0x60
        cmp esi, LIN(hello.end)
        jb .next
        mov dx, 0x3fc           ; DTR and RTS: power for a mouse
        mov al, 3
        out dx, al
        mov esi, LIN(is_ready)
        call say

loop:   pause
        mov dx, PM
        in ax, dx
        test ah, 1
        jz .input
        mov ax, 0x100
        out dx, ax
        mov esi, LIN(is_button)
        call say
.input: mov dx, 0x3fd
        in al, dx
        test al, 1
        jz .keys
        mov dx, 0x3f8
        in al, dx
        mov bl, al
        mov al, 'S'
        jmp .whose
.keys:  in al, 0x64
        mov ah, al
        test al, 1
        jz loop
        in al, 0x60
        mov bl, al
        mov al, 'K'
        test ah, 0x20
        jz .whose
        mov al, 'M'
.whose: out 0xe9, al
        mov ah, al
        mov al, ' '
        out 0xe9, al
        mov al, bl
        shr al, 4
        call digit
        mov al, bl
        and al, 15
        call digit
        mov al, 10
        out 0xe9, al
        cmp ah, 'K'
        jne loop
        cmp bl, 0x39
        je invert
        cmp bl, 0x24
        je sticks
        cmp bl, 0x10
        jne loop
        mov dx, PM + 4          ; SLP_EN, S5
        mov ax, 0x2000
        out dx, ax
        jmp loop

invert: mov edi, SCREEN + 100 * WIDTH * 4
        mov ecx, WIDTH
.dot:   xor dword [edi], 0xffffff
        add edi, 4
        loop .dot
        jmp loop

; A one-shot takes 24.2 to 1124 us: 87 to 4024 ticks of the ACPI timer.
sticks: mov al, 'J'
        out 0xe9, al
        mov al, ' '
        out 0xe9, al
        mov dx, 0x201
        in al, dx
        shr al, 4
        call digit
        mov bl, 1
.axis:  mov al, ' '
        out 0xe9, al
        mov dx, 0x201
        out dx, al
        mov dx, PM + 8
        in eax, dx
        mov edi, eax
.wait:  mov dx, 0x201
        in al, dx
        mov bh, al
        mov dx, PM + 8
        in eax, dx
        sub eax, edi
        and eax, 0xffffff
        test bh, bl
        jz .ended
        cmp eax, 8000
        jb .wait
        mov al, '.'
        out 0xe9, al
        out 0xe9, al
        jmp .next
.ended: sub eax, 87
        mov ecx, 255
        mul ecx
        add eax, (4024 - 87) / 2
        mov ecx, 4024 - 87
        div ecx
        mov bh, al
        shr al, 4
        call digit
        mov al, bh
        and al, 15
        call digit
.next:  shl bl, 1
        cmp bl, 0x10
        jne .axis
        mov al, 10
        out 0xe9, al
        jmp loop

config: mov dx, 0xcf8
        out dx, eax
        mov eax, ebx
        mov dx, 0xcfc
        out dx, eax
        ret

command:
        out 0x64, al
        ret
data:   out 0x60, al
        ret

digit:  cmp al, 10
        sbb al, 0x69
        das
        out 0xe9, al
        ret

say:    lodsb
        out 0xe9, al
        cmp al, 10
        jne say
        ret

; The DISPI's registers: off, 640, 480, 32 bits, on with the window.
mode:   dw 4, 0, 1, WIDTH, 2, HEIGHT, 3, 32, 4, 0x41
.end:
; LEDs off; the mouse has a wheel (rates 200, 100, 80), and talks
hello:  db 0xed, 0
        db 0xd4, 0xf3, 0xd4, 200, 0xd4, 0xf3, 0xd4, 100, 0xd4, 0xf3, 0xd4, 80
        db 0xd4, 0xf4
.end:
is_ready:
        db "ready", 10
is_button:
        db "button", 10

        times 0xfff0 - ($ - $$) db 0
        bits 16
        jmp real
        times 0x10000 - ($ - $$) db 0
