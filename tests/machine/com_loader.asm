; No DOS: a floppy's boot sector that loads a COM program and answers the calls
; of INT 21h that a program of bcc's library makes.  The program follows in up
; to 17 sectors; how many is in the word before the signature.
;
; Programmer's facts of MS-DOS 3: the program's segment begins with its prefix
; (INT 20h at 00h, end of memory at 02h, environment at 2Ch, arguments at 80h);
; an environment is strings, an empty one, a count and the program's name.
; What is written goes to port 402h and to the screen.
        org 0x7c00
        bits 16

PROGRAM equ 0x1000              ; segments
ENVIRONMENT equ 0x0f00

        cld
        xor ax, ax
        mov ds, ax
        mov word [4 * 0x20], exit0
        mov word [4 * 0x20 + 2], ax
        mov word [4 * 0x21], int21
        mov word [4 * 0x21 + 2], ax
        mov ax, PROGRAM
        mov es, ax
        mov bx, 0x100
        mov cx, 2               ; sector 2 of track 0; DL is the drive
        mov dh, 0
        mov al, [sectors]
        mov ah, 2
        int 0x13
        mov al, 'B'
        jc fail
        xor di, di
        mov cx, 128
        xor ax, ax
        rep stosw
        mov word [es:0], 0x20cd
        mov word [es:2], 0x9000
        mov word [es:0x2c], ENVIRONMENT
        mov si, tail
        mov di, 0x80
        mov cx, tail_end - tail
        rep movsb
        mov ax, ENVIRONMENT
        mov es, ax
        xor di, di
        mov si, environment
        mov cx, environment_end - environment
        rep movsb
        mov ax, PROGRAM
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0xfffe
        push word 0             ; a return is an INT 20h
        push ax
        push word 0x100
        retf

; AH says what; the carry is the answer.
int21:  sti
        cmp ah, 0x40
        je write
        cmp ah, 0x4c
        je exit
        cmp ah, 0x30
        je version
        cmp ah, 0x44
        je device
        cmp ah, 0x42            ; no seeking in what is a terminal
        je not_there
        cmp ah, 0x3e            ; close
        je well
        cmp ah, 0x4a            ; resize the program's memory
        je well
        mov al, ah              ; nothing else is known here
fail:   push ax
        mov al, '?'
        call put
        pop ax
        call hex
        jmp stop

version:
        mov ax, 0x1e03          ; 3.30
well:   clc
        retf 2
device: mov dx, 0x80d3          ; standard input and output
        clc
        retf 2
not_there:
        mov ax, 1
        stc
        retf 2

write:  push si
        push cx
        mov si, dx
        jcxz .end
.next:  lodsb
        call put
        loop .next
.end:   pop cx
        pop si
        mov ax, cx
        clc
        retf 2

exit0:  xor al, al
exit:   push ax
        mov al, '='
        call put
        pop ax
        call hex
        mov al, 10
        call put
stop:   hlt
        jmp stop

hex:    aam 16
        push ax
        mov al, ah
        call .digit
        pop ax
.digit: cmp al, 10
        sbb al, 0x69
        das
        ; fall through

put:    push ax
        push bx
        push dx
        mov dx, 0x402
        out dx, al
        mov bx, 7
        mov ah, 0x0e
        int 0x10
        pop dx
        pop bx
        pop ax
        ret

tail:   db tail_end - tail - 2, " one two", 13
tail_end:
environment:
        db 0, 0
        dw 1
        db "A:\COM.COM", 0
environment_end:
        times 508 - ($ - $$) db 0
sectors: dw 0
        dw 0xaa55
