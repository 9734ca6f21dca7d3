#include "usb_control.h"

#include <string.h>

#include "usb_descriptors.h"
#include "usb_endpoint.h"
#include "usb_registers.h"

/* bmRequestType and bRequest [USB 2.0 9.4, table 9-3; PSTN 1.2 6.3] */
#define REQUEST(type, request) (((uint32_t)(type) << 8) | (request))
#define GET_DEVICE_STATUS      REQUEST(0x80, 0)
#define GET_INTERFACE_STATUS   REQUEST(0x81, 0)
#define GET_ENDPOINT_STATUS    REQUEST(0x82, 0)
#define CLEAR_ENDPOINT_FEATURE REQUEST(0x02, 1)
#define SET_ENDPOINT_FEATURE   REQUEST(0x02, 3)
#define SET_ADDRESS            REQUEST(0x00, 5)
#define GET_DESCRIPTOR         REQUEST(0x80, 6)
#define GET_CONFIGURATION      REQUEST(0x80, 8)
#define SET_CONFIGURATION      REQUEST(0x00, 9)
#define GET_INTERFACE          REQUEST(0x81, 10)
#define SET_LINE_CODING        REQUEST(0x21, 0x20)
#define GET_LINE_CODING        REQUEST(0xa1, 0x21)
#define SET_CONTROL_LINE_STATE REQUEST(0x21, 0x22)
#define DIRECTION_IN           (0x80u << 8)
#define FEATURE_ENDPOINT_HALT  0u
#define ENDPOINT_DIRECTION_IN  0x80u
#define LINE_CODING_BYTES      7u
#define MAX_ADDRESS            127u
#define NOTIFICATION_IN        USB_IN(USB_NOTIFICATION_ENDPOINT)
#define DATA_IN                USB_IN(USB_DATA_ENDPOINT)
#define DATA_OUT               USB_OUT(USB_DATA_ENDPOINT)

typedef struct setup_packet {
    uint32_t request; /* bmRequestType and bRequest */
    uint16_t value;
    uint16_t index;
    uint16_t length;
} setup_packet;

/* What a request comes to: answered with bytes, done without any, or refused. */
typedef enum outcome { REFUSED, DONE, ANSWERED } outcome;

static struct {
    const uint8_t *uid;
    const uint8_t *rest; /* of the answer that the host is fetching */
    uint32_t rest_bytes;
    bool ends_short;   /* a packet of less than 64 bytes, maybe empty, is still to end it */
    bool takes_coding; /* the data stage under way is SET_LINE_CODING's */
    bool moves;        /* to new_address, when the host has seen the request's status [9.4.6] */
    uint8_t new_address;
    uint8_t configuration;
    uint8_t line_coding[LINE_CODING_BYTES];
} control;

/* 115200 baud, one stop bit, no parity, 8 bits [PSTN 1.2 6.3.11] */
static const uint8_t default_coding[LINE_CODING_BYTES] = {0x00, 0xc2, 0x01, 0x00, 0, 0, 8};

void usb_control_reset(const uint8_t *uid) {
    memset(&control, 0, sizeof control);
    control.uid = uid;
    memcpy(control.line_coding, default_coding, sizeof default_coding);
    RP_REG(RP_USB_ADDR_ENDP) = 0;
}

bool usb_control_is_configured(void) {
    return control.configuration != 0;
}

/* Slot of wIndex among the open data endpoints, 0 where there is none. */
static uint32_t open_slot(uint16_t index) {
    const uint32_t endpoint = index & ~ENDPOINT_DIRECTION_IN;
    const uint32_t slot = (index & ENDPOINT_DIRECTION_IN) ? USB_IN(endpoint) : USB_OUT(endpoint);
    const bool is_ours = slot == NOTIFICATION_IN || slot == DATA_IN || slot == DATA_OUT;
    return is_ours && usb_control_is_configured() ? slot : 0;
}

static void open_endpoint(uint32_t slot) {
    usb_endpoint_open(slot, slot == NOTIFICATION_IN ? USB_INTERRUPT : USB_BULK);
    if (slot == DATA_OUT) {
        usb_endpoint_receive(slot, RP_USB_PACKET_BYTES);
    }
}

static outcome configure(uint16_t value) {
    if (value > USB_CONFIGURATION) {
        return REFUSED;
    }
    control.configuration = (uint8_t)value;
    usb_endpoints_reset();
    if (value != 0) {
        open_endpoint(NOTIFICATION_IN);
        open_endpoint(DATA_IN);
        open_endpoint(DATA_OUT);
    }
    return DONE;
}

static outcome set_halt(const setup_packet *setup, bool halt) {
    const uint32_t slot = open_slot(setup->index);
    if (setup->value != FEATURE_ENDPOINT_HALT || slot == 0) {
        return REFUSED;
    }
    if (halt) {
        usb_endpoint_halt(slot);
    } else {
        open_endpoint(slot); /* with DATA0, halted or not [9.4.5] */
    }
    return DONE;
}

static outcome endpoint_status(uint16_t index, uint8_t *status) {
    const uint32_t slot = open_slot(index);
    if (slot != 0) {
        status[0] = usb_endpoint_is_halted(slot);
    }
    return slot != 0 || (index & ~ENDPOINT_DIRECTION_IN) == 0 ? ANSWERED : REFUSED;
}

/* An answer is left in `*answer`; `scratch` holds two zeros, and lives until it has been sent. */
static outcome serve(const setup_packet *setup, usb_bytes *answer, uint8_t *scratch) {
    const bool to_port = setup->index == USB_COMMUNICATION_INTERFACE && usb_control_is_configured();
    *answer = (usb_bytes){scratch, 2};
    switch (setup->request) {
    case GET_DEVICE_STATUS: /* bus-powered, does not wake the host */
        return ANSWERED;
    case GET_INTERFACE_STATUS:
        return setup->index < USB_INTERFACES && usb_control_is_configured() ? ANSWERED : REFUSED;
    case GET_ENDPOINT_STATUS:
        return endpoint_status(setup->index, scratch);
    case CLEAR_ENDPOINT_FEATURE:
        return set_halt(setup, false);
    case SET_ENDPOINT_FEATURE:
        return set_halt(setup, true);
    case SET_ADDRESS:
        control.new_address = (uint8_t)setup->value;
        control.moves = setup->value <= MAX_ADDRESS;
        return control.moves ? DONE : REFUSED;
    case GET_DESCRIPTOR:
        *answer = usb_descriptor(setup->value, control.uid, scratch);
        return answer->data != NULL ? ANSWERED : REFUSED;
    case GET_CONFIGURATION:
        *answer = (usb_bytes){&control.configuration, 1};
        return ANSWERED;
    case SET_CONFIGURATION:
        return configure(setup->value);
    case GET_INTERFACE: /* each has one setting, 0 */
        answer->count = 1;
        return setup->index < USB_INTERFACES && usb_control_is_configured() ? ANSWERED : REFUSED;
    case SET_LINE_CODING: /* kept to be read back: there is no line behind it */
        control.takes_coding = to_port && setup->length == LINE_CODING_BYTES;
        return control.takes_coding ? DONE : REFUSED;
    case GET_LINE_CODING:
        *answer = (usb_bytes){control.line_coding, LINE_CODING_BYTES};
        return to_port ? ANSWERED : REFUSED;
    case SET_CONTROL_LINE_STATE:
        return to_port ? DONE : REFUSED;
    default:
        return REFUSED;
    }
}

static void send_next(void) {
    const uint32_t count =
        control.rest_bytes < RP_USB_PACKET_BYTES ? control.rest_bytes : RP_USB_PACKET_BYTES;
    const uint8_t *const data = control.rest;
    control.rest += count;
    control.rest_bytes -= count;
    if (count < RP_USB_PACKET_BYTES) {
        control.ends_short = false;
    }
    usb_endpoint_send(USB_IN(0), data, count);
}

/* An answer shorter than asked for ends with a short packet; one of full length just ends [5.5.3].
 */
static void send_answer(usb_bytes answer, uint16_t wanted) {
    control.rest = answer.data;
    control.rest_bytes = answer.count < wanted ? answer.count : wanted;
    control.ends_short = answer.count < wanted;
    send_next();
}

void usb_control_setup(void) {
    RP_REG(RP_USB_SIE_STATUS) = RP_USB_SIE_STATUS_SETUP_REC; /* before the packet is read */
    const uint32_t low = RP_REG(RP_USB_SETUP_LOW), high = RP_REG(RP_USB_SETUP_HIGH);
    const setup_packet setup = {
        .request = REQUEST(low & 0xffu, (low >> 8) & 0xffu),
        .value = (uint16_t)(low >> 16),
        .index = (uint16_t)high,
        .length = (uint16_t)(high >> 16),
    };
    uint8_t scratch[USB_STRING_BYTES] = {0};
    usb_bytes answer;
    control.rest_bytes = 0;
    control.ends_short = false;
    control.takes_coding = false;
    control.moves = false;
    usb_endpoint_withdraw(USB_IN(0));
    usb_endpoint_withdraw(USB_OUT(0));
    const outcome outcome = serve(&setup, &answer, scratch);
    usb_endpoint_next_is_data1(USB_IN(0));
    usb_endpoint_next_is_data1(USB_OUT(0));
    if (outcome == REFUSED || (outcome == ANSWERED) != ((setup.request & DIRECTION_IN) != 0)) {
        usb_endpoint_halt(USB_IN(0));
        usb_endpoint_halt(USB_OUT(0));
    } else if (outcome == ANSWERED) {
        usb_endpoint_receive(USB_OUT(0), 0); /* status: the host may want less than it asked for */
        send_answer(answer, setup.length);
    } else if (control.takes_coding) {
        usb_endpoint_receive(USB_OUT(0), RP_USB_PACKET_BYTES);
    } else {
        usb_endpoint_send(USB_IN(0), NULL, 0);
    }
}

void usb_control_sent(void) {
    if (control.moves) {
        RP_REG(RP_USB_ADDR_ENDP) = control.new_address;
        control.moves = false;
    } else if (control.rest_bytes > 0 || control.ends_short) {
        send_next();
    }
}

void usb_control_received(void) {
    uint32_t count;
    if (control.takes_coding && usb_endpoint_has_packet(USB_OUT(0), &count)) {
        control.takes_coding = false;
        if (count == LINE_CODING_BYTES) {
            memcpy(control.line_coding, usb_endpoint_data(USB_OUT(0)), count);
            usb_endpoint_send(USB_IN(0), NULL, 0);
        } else {
            usb_endpoint_halt(USB_IN(0));
        }
        return;
    }
    control.rest_bytes = 0; /* status: the host has what it wanted */
    control.ends_short = false;
    usb_endpoint_withdraw(USB_IN(0));
}
