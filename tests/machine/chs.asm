; A boot sector that reads a sector by cylinder, head and sector (INT 13h,
; AH=02h), writes it to the one before that (AH=03h) and shows it at port 402h;
; `AH hh` where the BIOS says that it failed.  Which one is in its last bytes.
        org 0x7c00
        bits 16

        xor ax, ax
        mov ds, ax
        mov es, ax
        cld
        mov bx, buffer
        mov [bx], al
        mov cx, [place]
        mov dh, [place + 2]
        mov ax, 0x0201
        call disk
        dec cx                  ; the sector's bits are the low ones
        mov ax, 0x0301
        call disk
        mov si, buffer
        call say
stop:   hlt
        jmp stop

; INT 13h for one sector, which keeps CX, DX and BX.
disk:   int 0x13
        jc failed
        ret
failed: mov al, ah
        aam 16
        add ax, '00'
        xchg al, ah
        mov [number], ax
        mov si, text
        call say
        jmp stop

; What is at SI, up to a 0.
say:    mov dx, 0x402
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

text:   db "AH "
number: db "00", 10, 0
        times 500 - ($ - $$) db 0
place:  dw 0                    ; CX: cylinder and sector
        db 0                    ; DH: head
        times 510 - ($ - $$) db 0
        dw 0xaa55
buffer  equ 0x7e00
