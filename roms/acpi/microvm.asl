/*
 * The DSDT of the board `microvm`: no BIOS, no PCI, ACPI's hardware reduced.
 *
 * ACPI Specification 6.0, 4.1, 5.6.9 (event devices).  What this machine has
 * is in a block of memory whose address the tables' builder puts in the place
 * of the region's (machine/acpi.c, put_presence()).
 *
 * Missing: hot plug, sleep states other than S5; virtio devices beyond the
 * eighth.
 */
DefinitionBlock ("", "DSDT", 2, "EMU", "EMUMICRO", 1)
{
    OperationRegion (PRES, SystemMemory, 0x4b4f4c42, 124)
    Field (PRES, DWordAcc, NoLock, Preserve)
    {
        , 64,
        COM1, 1,
        COM2, 1,
        LPT1, 1,
        KBD1, 1,
        MOU1, 1,
        RTC1, 1,
        HPT1, 1,
        FWC1, 1,
        , 24,
        GEDA, 32, // the event device's registers
        GEDI, 32, // and its interrupt
        , 32,
        SLOT, 768, // virtio: address, size, interrupt; size 0: none
    }

    Name (\_S5, Package () { 5, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (GED)
        {
            Name (_HID, "ACPI0013")
            Name (_UID, 0)
            Name (BUFF, ResourceTemplate ()
            {
                Interrupt (, Level, ActiveHigh, Exclusive) { 0 }
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (BUFF, 5, GSI)
                GSI = GEDI
                Return (BUFF)
            }
            OperationRegion (EVTR, SystemMemory, GEDA, 4)
            Field (EVTR, DWordAcc, NoLock, Preserve) { ESEL, 32 }
            Method (_EVT, 1, Serialized)
            {
                Local0 = ESEL
                If (Local0 & 2) { Notify (PWRB, 0x80) }
            }
        }

        Device (PWRB)
        {
            Name (_HID, EisaId ("PNP0C0C"))
            Name (_UID, 0)
        }

        Device (SER1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x3f8, 0x3f8, 0, 8)
                IRQNoFlags () { 4 }
            })
            Method (_STA) { Return (COM1 * 0x0f) }
        }

        Device (RTC)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x70, 0x70, 1, 4)
                IRQNoFlags () { 8 }
            })
            Method (_STA) { Return (RTC1 * 0x0f) }
        }

        Device (KBD)
        {
            Name (_HID, EisaId ("PNP0303"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x60, 0x60, 1, 1)
                IO (Decode16, 0x64, 0x64, 1, 1)
                IRQNoFlags () { 1 }
            })
            Method (_STA) { Return (KBD1 * 0x0f) }
        }

        Device (MOU)
        {
            Name (_HID, EisaId ("PNP0F13"))
            Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
            Method (_STA) { Return (MOU1 * 0x0f) }
        }

        // Virtio slot n: whether it is there, and what it takes.
        Method (VSTA, 1, Serialized)
        {
            Local0 = SLOT
            CreateDWordField (Local0, Arg0 * 12 + 4, SIZE)
            If (SIZE) { Return (0x0f) }
            Return (0)
        }
        Method (VCRS, 1, Serialized)
        {
            Name (BUFF, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0, 0, MEMR)
                Interrupt (, Level, ActiveHigh, Exclusive) { 0 }
            })
            CreateDWordField (BUFF, MEMR._BAS, BASE)
            CreateDWordField (BUFF, MEMR._LEN, SPAN)
            CreateDWordField (BUFF, 17, GSI)
            Local0 = SLOT
            CreateDWordField (Local0, Arg0 * 12, ADDR)
            CreateDWordField (Local0, Arg0 * 12 + 4, SIZE)
            CreateDWordField (Local0, Arg0 * 12 + 8, INTR)
            BASE = ADDR
            SPAN = SIZE
            GSI = INTR
            Return (BUFF)
        }

        Device (VIO0)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 0)
            Method (_STA) { Return (VSTA (0)) }
            Method (_CRS) { Return (VCRS (0)) }
        }

        Device (VIO1)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 1)
            Method (_STA) { Return (VSTA (1)) }
            Method (_CRS) { Return (VCRS (1)) }
        }

        Device (VIO2)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 2)
            Method (_STA) { Return (VSTA (2)) }
            Method (_CRS) { Return (VCRS (2)) }
        }

        Device (VIO3)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 3)
            Method (_STA) { Return (VSTA (3)) }
            Method (_CRS) { Return (VCRS (3)) }
        }

        Device (VIO4)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 4)
            Method (_STA) { Return (VSTA (4)) }
            Method (_CRS) { Return (VCRS (4)) }
        }

        Device (VIO5)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 5)
            Method (_STA) { Return (VSTA (5)) }
            Method (_CRS) { Return (VCRS (5)) }
        }

        Device (VIO6)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 6)
            Method (_STA) { Return (VSTA (6)) }
            Method (_CRS) { Return (VCRS (6)) }
        }

        Device (VIO7)
        {
            Name (_HID, "LNRO0005")
            Name (_UID, 7)
            Method (_STA) { Return (VSTA (7)) }
            Method (_CRS) { Return (VCRS (7)) }
        }
    }
}
