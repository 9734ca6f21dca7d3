/*
 * Who holds the board, until when, and what RUN and LEASE were last answered: the
 * two requests that a repeated frame must not do twice.
 */
#ifndef JSA_SESSION_H
#define JSA_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "frame_decoder.h"
#include "jump_rt.h"

#define JSA_MIN_LEASE_MS 1000u
#define JSA_MAX_LEASE_MS 600000u

typedef struct jsa_lease {
    uint32_t session; /* 0: free */
    uint32_t duration_ms;
    uint32_t renewed_at_ms;
    uint8_t holder[JSP_HOLDER_BYTES];
} jsa_lease;

/* How a request that is not idempotent was answered. */
typedef struct jsa_outcome {
    uint32_t session; /* 0: none kept */
    uint16_t sequence;
    int16_t code;
    jr_fault fault;
} jsa_outcome;

/* Frees the lease when its time is up. */
void jsa_lease_expire(jsa_lease *lease, uint32_t now_ms);

/* Starts the lease's time anew when `session` holds it. */
void jsa_lease_renew(jsa_lease *lease, uint32_t session, uint32_t now_ms);

/*
 * Time that is left of the lease, and who has it into the JSP_HOLDER_BYTES at `holder`; where
 * nobody has, 0, and `holder` stays as it is.
 */
uint32_t jsa_lease_holder(const jsa_lease *lease, uint32_t now_ms, uint8_t *holder);

/* 0 when `session` holds the lease, else JSP_E_BUSY or JSP_E_NO_SESSION. */
int jsa_lease_check(const jsa_lease *lease, uint32_t session);

/* Takes, renews or releases the lease; 0 or a negative JSP_E_* code. */
int jsa_lease_change(jsa_lease *lease, uint32_t session, const jsp_lease_request *change,
                     uint32_t now_ms);

bool jsa_outcome_is_of(const jsa_outcome *outcome, const jsa_request *request);
void jsa_outcome_keep(jsa_outcome *outcome, const jsa_request *request, int code,
                      const jr_fault *fault);

#endif
