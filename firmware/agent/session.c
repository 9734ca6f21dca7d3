#include "session.h"

#include <string.h>

void jsa_lease_expire(jsa_lease *lease, uint32_t now_ms) {
    if (lease->session != 0 && now_ms - lease->renewed_at_ms >= lease->duration_ms) {
        lease->session = 0;
    }
}

void jsa_lease_renew(jsa_lease *lease, uint32_t session, uint32_t now_ms) {
    if (lease->session != 0 && lease->session == session) {
        lease->renewed_at_ms = now_ms;
    }
}

uint32_t jsa_lease_holder(const jsa_lease *lease, uint32_t now_ms, uint8_t *holder) {
    const uint32_t gone_ms = now_ms - lease->renewed_at_ms;
    if (lease->session == 0) {
        return 0;
    }
    memcpy(holder, lease->holder, sizeof lease->holder);
    return gone_ms < lease->duration_ms ? lease->duration_ms - gone_ms : 0;
}

int jsa_lease_check(const jsa_lease *lease, uint32_t session) {
    if (lease->session == 0) {
        return JSP_E_NO_SESSION;
    }
    return lease->session == session ? JSP_E_OK : JSP_E_BUSY;
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : value;
}

int jsa_lease_change(jsa_lease *lease, uint32_t session, const jsp_lease_request *change,
                     uint32_t now_ms) {
    if (change->action == JSP_LEASE_TAKE) {
        if (session == 0) {
            return JSP_E_NO_SESSION;
        }
        if (lease->session != 0 && lease->session != session) {
            return JSP_E_BUSY;
        }
        lease->session = session;
        lease->duration_ms = clamp(change->duration_ms, JSA_MIN_LEASE_MS, JSA_MAX_LEASE_MS);
        lease->renewed_at_ms = now_ms;
        memcpy(lease->holder, change->holder, sizeof lease->holder);
        return JSP_E_OK;
    }
    if (change->action == JSP_LEASE_RELEASE) {
        int code = jsa_lease_check(lease, session);
        if (code == JSP_E_OK) {
            lease->session = 0;
            lease->duration_ms = 0;
        }
        return code;
    }
    return JSP_E_BAD_REQUEST;
}

bool jsa_outcome_is_of(const jsa_outcome *outcome, const jsa_request *request) {
    return outcome->session != 0 && outcome->session == request->session &&
           outcome->sequence == request->sequence;
}

void jsa_outcome_keep(jsa_outcome *outcome, const jsa_request *request, int code,
                      const jr_fault *fault) {
    outcome->session = request->session;
    outcome->sequence = request->sequence;
    outcome->code = (int16_t)code;
    outcome->fault = *fault;
}
