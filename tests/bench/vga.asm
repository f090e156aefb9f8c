; A disk's boot sector for vga.py: each row of `cases` sets a mode and runs one
; loop of 2^20 accesses.  On the first serial line: a letter when it begins, the
; same when it ends, a dot behind all.  nasm -f bin.
        bits 16
        org 0x7c00
SERIAL  equ 0x3f8
PASSES  equ 16                  ; of 65536 accesses

        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov si, cases
next:   lodsb                   ; mode
        cmp al, 0xff
        je done
        xor ah, ah
        push si
        int 0x10
        pop si
        cli
        mov dx, 0x3ce           ; GR5: write mode, read mode 0
        mov al, 5
        mov ah, [si]
        cmp ah, 0xff            ; text stays as the BIOS sets it
        je .set
        out dx, ax
.set:   inc si
        mov ax, [si]            ; the window
        mov es, ax
        mov bp, [si + 2]        ; the loop
        mov bl, [si + 4]
        add si, 5
        call mark
        mov bh, PASSES
.pass:  xor di, di
        xor cx, cx
        push si
        call bp
        pop si
        dec bh
        jnz .pass
        call mark
        jmp next
done:   mov bl, '.'
        call mark
halt:   hlt
        jmp halt

mark:   mov dx, SERIAL + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        mov dx, SERIAL
        mov al, bl
        out dx, al
        ret

store:  mov [es:di], cl
        inc di
        loop store
        ret
load:   mov al, [es:di]
        inc di
        loop load
        ret
both:   mov al, [es:di]         ; load the latches, then write
        mov [es:di], cl
        inc di
        dec cx
        loop both               ; two accesses
        ret
fill:   mov al, 0x55
        dec cx
        rep stosb
        ret
copy:   push ds                 ; by latches
        push es
        pop ds
        xor si, si
        mov di, 0x4000
        mov cx, 0x8000          ; two accesses
        rep movsb
        pop ds
        ret
words:  mov [es:di], cx
        add di, 2
        and di, 0x7fff
        loop words
        ret
status: mov dx, 0x3da
.in:    in al, dx
        loop .in
        ret

%macro case 5                   ; mode, GR5, window, loop, letter
        db %1, %2
        dw %3, %4
        db %5
%endmacro
cases:  case 0x12, 0, 0xa000, store, 'a'
        case 0x12, 1, 0xa000, store, 'b'
        case 0x12, 2, 0xa000, store, 'c'
        case 0x12, 3, 0xa000, store, 'd'
        case 0x12, 0, 0xa000, load, 'e'
        case 0x12, 3, 0xa000, both, 'f'
        case 0x12, 0, 0xa000, fill, 'g'
        case 0x12, 1, 0xa000, copy, 'h'
        case 0x03, 0xff, 0xb800, words, 'i'
        case 0x12, 0, 0xa000, status, 'j'
        case 0x03, 0xff, 0xb800, status, 'k'
        db 0xff

        times 510 - ($ - $$) db 0
        dw 0xaa55
