; A boot sector that writes the sectors behind it by INT 13h, AH=03h, each full
; of its number, again and again where the BIOS says that it failed; then it
; reads them.  Port 402h hears `AH hh, sector nnnn` of each failure's first, and
; how it ended.
        org 0x7c00
        bits 16
COUNT   equ 300

        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        cld
        mov [drive], dl
        mov ah, 8               ; how it is divided
        int 0x13
        and cl, 63
        mov [per_track], cl
        inc dh
        mov [heads], dh
        xor ax, ax
        mov es, ax
        mov si, 1
write:  mov ax, si
        mov di, buffer
        mov cx, 256
        rep stosw
        mov ax, 0x0301
        call sector
        jc failed
        inc si
        cmp si, COUNT
        jbe write
        mov si, 1
read:   mov ax, 0x0201
        call sector
        jc lost
        mov ax, si
        mov di, buffer
        mov cx, 256
        repe scasw
        jne lost
        inc si
        cmp si, COUNT
        jbe read
        mov bx, there
        call say
        jmp $
lost:   mov bx, gone
        call say
        jmp $

failed: cmp si, [told]
        je again
        mov [told], si
        mov al, ah
        aam 16
        mov di, code
        call digits
        mov ax, si
        mov cl, 100
        div cl
        mov cl, ah
        aam
        mov di, number
        call digits
        mov al, cl
        aam
        mov di, number + 2
        call digits
        mov bx, text
        call say
again:  hlt                     ; for a tick
        mov dl, [drive]
        xor ah, ah              ; reset it, as programs do
        int 0x13
        jmp write

; INT 13h with function AX for sector SI, counted from 0, and the buffer.
sector: push ax
        mov ax, si
        xor dx, dx
        div word [per_track]
        mov cl, dl
        inc cx
        xor dx, dx
        div word [heads]
        mov dh, dl
        mov ch, al
        mov dl, [drive]
        mov bx, buffer
        pop ax
        int 0x13
        ret

; AH and AL, 0 to 15, at DI.
digits: add ax, '00'
        cmp al, '9'
        jbe .low
        add al, 7
.low:   xchg al, ah
        mov [di], ax
        ret

say:    mov dx, 0x402
.next:  mov al, [bx]
        inc bx
        out dx, al
        cmp al, 10
        jne .next
        ret

text:   db "AH "
code:   db "00, sector "
number: db "0000", 10
there:  db "all there", 10
gone:   db "not all there", 10
per_track: dw 0
heads:  dw 0
told:   dw 0
drive:  db 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
buffer  equ 0x7e00
