; A disk's boot sector for window.py.
;   MODE13   320x200, all of it drawn anew with each tick of the 8254
;   VBE      1024x768x32, the same
;   HALT     nothing but HLT
;   POLL     a prompt that polls INT 16h
; HZ: ticks a second.  nasm -f bin.
        bits 16
        org 0x7c00
TEXT    equ 0xe

        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
%ifdef HALT
        sti
.halt:  hlt
        jmp .halt
%elifdef POLL
        sti
.poll:  mov ah, 1
        int 0x16
        jz .poll
        mov ah, 0
        int 0x16
        mov ah, TEXT
        int 0x10
        jmp .poll
%else
        mov word [8 * 4], tick
        mov [8 * 4 + 2], ax
        mov al, 0x34            ; channel 0, both bytes, mode 2
        out 0x43, al
        mov ax, 1193182 / HZ
        out 0x40, al
        mov al, ah
        out 0x40, al
        in al, 0x21
        and al, 0xfe
        out 0x21, al
%ifdef VBE
        push 0x2000             ; the mode's window
        pop es
        xor di, di
        mov ax, 0x4f01
        mov cx, 0x144
        int 0x10
        mov eax, [es:0x28]
        mov [window], eax
        mov ax, 0x4f02
        mov bx, 0x4144
        int 0x10
        lgdt [gdtr]             ; ES of 4 GiB
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov es, bx
        and al, 0xfe
        mov cr0, eax
%else
        mov ax, 0x13
        int 0x10
        push 0xa000
        pop es
%endif
        cld
        sti
frame:  hlt
        cmp byte [ticked], 0
        je frame
        mov byte [ticked], 0
        mov eax, [colour]
%ifdef VBE
        add eax, 0x030507
        mov edi, [window]
        mov ecx, 1024 * 768
%else
        add eax, 0x01010101
        xor edi, edi
        mov ecx, 320 * 200 / 4
%endif
        mov [colour], eax
        a32 rep stosd
        jmp frame

tick:   push ax
        mov byte [cs:ticked], 1
        mov al, 0x20
        out 0x20, al
        pop ax
        iret

ticked: db 0
colour: dd 0x10203040
window: dd 0
gdt:    dq 0
        dq 0x00cf92000000ffff
gdtr:   dw 15
        dd gdt
%endif
        times 510 - ($ - $$) db 0
        dw 0xaa55
