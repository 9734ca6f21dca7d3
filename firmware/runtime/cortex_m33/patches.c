#include "patches.h"

#include <stddef.h>

#include "expand.h"
#include "window.h"

/* Of a pair: a word of halves of one, then one of the other. */
#define PATCHES 2u

static void advance(const jsp_conv_params *p, jr_m33_position *at) {
    if (++at->x == p->output_w) {
        at->x = 0;
        if (++at->y == p->output_h) {
            at->y = 0;
            at->n++;
        }
    }
}

/* Where a patch goes: expanded, or as bytes. */
typedef struct cursor {
    uint32_t *halves; /* NULL: bytes */
    int8_t *bytes;
} cursor;

/* Memory functions cost more than they do here: rows of a patch are short. */
static int8_t *copy(int8_t *to, const int8_t *from, uint32_t count) {
    for (; count >= 4; count -= 4) {
        jr_m33_write_word(to, jr_m33_read_word(from));
        to += 4;
        from += 4;
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
    return to;
}

static void put(cursor *to, const int8_t *from, uint32_t count) {
    if (to->halves != NULL) {
        to->halves = jr_m33_expand(to->halves, PATCHES, from, count / 4u);
    } else {
        to->bytes = copy(to->bytes, from, count);
    }
}

static void put_padding(cursor *to, int8_t value, uint32_t count) {
    if (to->halves != NULL) {
        const uint32_t halves = (uint32_t)(uint16_t)value * UINT32_C(0x00010001);
        for (; count > 0; count -= 4) {
            to->halves[0] = halves;
            to->halves[PATCHES] = halves;
            to->halves += 2u * PATCHES;
        }
    } else {
        for (; count > 0; count--) {
            *to->bytes++ = value;
        }
    }
}

/* Gathers a pixel's patch, from input channel `first_c` on. */
static void gather(const jr_m33_patches *c, const jr_m33_position *at, uint32_t first_c,
                   cursor *to) {
    const jsp_conv_params *p = c->p;
    const uint32_t depth = c->depth, kernel_row = p->kernel_w * depth;
    const int8_t pad = (int8_t)p->pad_value;
    const int32_t top = (int32_t)(at->y * p->stride_h) - p->pad_top;
    const int32_t left = (int32_t)(at->x * p->stride_w) - p->pad_left;
    const jr_span rows = jr_clip_window(top, p->kernel_h, p->dilation_h, p->input_h);
    const jr_span columns = jr_clip_window(left, p->kernel_w, p->dilation_w, p->input_w);
    const uint32_t step = (uint32_t)p->dilation_w * p->input_c;
    const uint32_t row_step = (uint32_t)p->dilation_h * p->input_w * p->input_c;
    const uint32_t before = columns.begin * depth, inside = (columns.end - columns.begin) * depth;
    const uint32_t after = kernel_row - before - inside;
    const int8_t *row;
    uint32_t ky, i;
    if (inside == 0 || rows.begin == rows.end) {
        put_padding(to, pad, p->kernel_h * kernel_row);
        return;
    }
    row = c->input + first_c +
          ((at->n * p->input_h + (uint32_t)(top + (int32_t)(rows.begin * p->dilation_h))) *
               p->input_w +
           (uint32_t)(left + (int32_t)(columns.begin * p->dilation_w))) *
              p->input_c;
    put_padding(to, pad, rows.begin * kernel_row);
    for (ky = rows.begin; ky < rows.end; ky++) {
        put_padding(to, pad, before);
        if (step == depth) {
            put(to, row, inside);
        } else {
            const int8_t *from = row;
            for (i = columns.begin; i < columns.end; i++) {
                put(to, from, depth);
                from += step;
            }
        }
        put_padding(to, pad, after);
        row += row_step;
    }
    put_padding(to, pad, (p->kernel_h - rows.end) * kernel_row);
}

/* Expands the patch of `at` as the tile's `number`th. */
static void load_patch(const jr_m33_patches *c, const jr_m33_position *at, uint32_t first_c,
                       uint32_t number) {
    uint32_t *halves = c->halves + number / 2u * c->row_bytes + number % 2u;
    cursor to = {halves, c->bytes};
    if (c->bytes == NULL) {
        gather(c, at, first_c, &to);
        return;
    }
    to.halves = NULL;
    gather(c, at, first_c, &to);
    while (to.bytes < c->bytes + c->row_bytes) {
        *to.bytes++ = 0; /* the row's padding in the plan may be anything */
    }
    jr_m33_expand(halves, PATCHES, c->bytes, c->row_bytes / 4u);
}

void jr_m33_load_patches(const jr_m33_patches *patches, jr_m33_position *at, uint32_t first_c,
                         uint32_t pixels) {
    uint32_t i;
    for (i = 0; i < pixels; i++) {
        load_patch(patches, at, first_c, i);
        advance(patches->p, at);
    }
}
