/*
 * The RP2040's USB controller, as a full-speed device. Numbers in brackets are sections of the
 * RP2040 datasheet; names are its own.
 *
 * An endpoint in one direction is a slot, 2 * endpoint + (OUT ? 1 : 0): its place among the
 * control words, and its bit in BUFF_STATUS and EP_STALL_ARM.
 */
#ifndef RP2040_USB_REGISTERS_H
#define RP2040_USB_REGISTERS_H

#include "rp2040.h"

/* DPSRAM [4.1.2.5]: 4 KB that processor and controller share, in accesses of any width. */
#define RP_USB_DPRAM          0x50100000u
#define RP_USB_DPRAM_CONTROLS 0x100u /* bytes of it before the first data buffer */
#define RP_USB_SETUP_LOW      (RP_USB_DPRAM + 0u)
#define RP_USB_SETUP_HIGH     (RP_USB_DPRAM + 4u)
#define RP_USB_PACKET_BYTES   64u /* largest at full speed */

/* Endpoint control, slots from 2 [4.1.2.5.2] */
#define RP_USB_ENDPOINT(slot)       (RP_USB_DPRAM + 4u * (slot))
#define RP_USB_ENDPOINT_ENABLE      (1u << 31)
#define RP_USB_ENDPOINT_INTERRUPT   (1u << 29)              /* BUFF_STATUS is set for each buffer */
#define RP_USB_ENDPOINT_TYPE(usb)   ((uint32_t)(usb) << 26) /* as in bmAttributes [USB 2.0 9.6.6] */
#define RP_USB_ENDPOINT_BUFFER(off) (off)                   /* a multiple of 64 from RP_USB_DPRAM */

/* Buffer control [4.1.2.5.3] */
#define RP_USB_BUFFER(slot)        (RP_USB_DPRAM + 0x80u + 4u * (slot))
#define RP_USB_BUFFER_FULL         (1u << 15)
#define RP_USB_BUFFER_DATA1        (1u << 13)
#define RP_USB_BUFFER_STALL        (1u << 11)
#define RP_USB_BUFFER_AVAILABLE    (1u << 10)
#define RP_USB_BUFFER_LENGTH(word) ((word)&0x3ffu)

/* Endpoint 0 has one data buffer for both directions, at a fixed place [4.1.2.5]. */
#define RP_USB_ENDPOINT0_DATA 0x100u

/* Registers [4.1.4] */
#define RP_USB_ADDR_ENDP                0x50110000u
#define RP_USB_MAIN_CTRL                0x50110040u
#define RP_USB_MAIN_CTRL_CONTROLLER_EN  (1u << 0)
#define RP_USB_SIE_CTRL                 0x5011004cu
#define RP_USB_SIE_CTRL_EP0_INT_1BUF    (1u << 29)
#define RP_USB_SIE_CTRL_PULLUP_EN       (1u << 16)
#define RP_USB_SIE_STATUS               0x50110050u /* written 1 clears */
#define RP_USB_SIE_STATUS_BUS_RESET     (1u << 19)
#define RP_USB_SIE_STATUS_SETUP_REC     (1u << 17)
#define RP_USB_SIE_STATUS_SUSPENDED     (1u << 4)
#define RP_USB_BUFF_STATUS              0x50110058u /* written 1 clears */
#define RP_USB_EP_STALL_ARM             0x50110068u
#define RP_USB_MUXING                   0x50110074u
#define RP_USB_MUXING_SOFTCON           (1u << 3)
#define RP_USB_MUXING_TO_PHY            (1u << 0)
#define RP_USB_PWR                      0x50110078u
#define RP_USB_PWR_VBUS_DETECT_OVERRIDE (1u << 3)
#define RP_USB_PWR_VBUS_DETECT          (1u << 2)
#define RP_USB_INTE                     0x50110090u
#define RP_USB_INTS                     0x50110098u
#define RP_USB_INT_SETUP_REQ            (1u << 16)
#define RP_USB_INT_BUS_RESET            (1u << 12)
#define RP_USB_INT_BUFF_STATUS          (1u << 4)

#endif
