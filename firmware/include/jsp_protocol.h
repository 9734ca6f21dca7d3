/* Emitted from protocol/ by `python -m protocol.emit`: do not edit. */
/* clang-format off */
#ifndef JSP_PROTOCOL_H
#define JSP_PROTOCOL_H

#include <stdint.h>

/* Frames */
#define JSP_PROTOCOL_VERSION 1u
#define JSP_HEADER_BYTES 10u
#define JSP_CRC_BYTES 4u
#define JSP_HEADER_VERSION 0u
#define JSP_HEADER_TYPE 1u
#define JSP_HEADER_SESSION 2u
#define JSP_HEADER_SEQUENCE 6u
#define JSP_HEADER_LENGTH 8u

/* Messages */
#define JSP_TYPE_HELLO 1
#define JSP_TYPE_CAPABILITIES 2
#define JSP_TYPE_LEASE 3
#define JSP_TYPE_PLAN_BEGIN 4
#define JSP_TYPE_PLAN_CHUNK 5
#define JSP_TYPE_PLAN_END 6
#define JSP_TYPE_INPUT 7
#define JSP_TYPE_RUN 8
#define JSP_TYPE_PROFILE 9
#define JSP_TYPE_OUTPUT 10
#define JSP_TYPE_ARENA 11
#define JSP_TYPE_PING 12
#define JSP_TYPE_RESET 13
#define JSP_TYPE_MODEL_BEGIN 14
#define JSP_TYPE_MODEL_CHUNK 15
#define JSP_TYPE_MODEL_END 16
#define JSP_TYPE_REPORT 17
#define JSP_TYPE_ALIVE 254
#define JSP_TYPE_ERROR 255
#define JSP_ANSWER_BIT 128u
#define JSP_NO_INDEX 65535u
#define JSP_ALL_OPS 65535u
#define JSP_HOLDER_BYTES 16u
#define JSP_DOMAIN_ANY 0
#define JSP_DOMAIN_MCU 1
#define JSP_DOMAIN_MPU 2
#define JSP_LEASE_RELEASE 0
#define JSP_LEASE_TAKE 1
#define JSP_STORE_RAM 1
#define JSP_STORE_FLASH 2
#define JSP_INPUT_SENT 0
#define JSP_INPUT_SEEDED 1
#define JSP_RUN_PROFILE 1
#define JSP_RESET_UNKNOWN 0
#define JSP_RESET_POWER_ON 1
#define JSP_RESET_PIN 2
#define JSP_RESET_SOFTWARE 3
#define JSP_RESET_WATCHDOG 4
#define JSP_SHA256_BYTES 32u
#define JSP_MAX_MODEL_NAME_BYTES 64u
#define JSP_FORMAT_PLAN 0
#define JSP_FORMAT_TFLITE 1
#define JSP_FORMAT_ONNX 2
#define JSP_FORMAT_BUNDLE 3
#define JSP_ENGINE_ANY 0
#define JSP_ENGINE_JUMP_RT 1
#define JSP_ENGINE_LITERT 2
#define JSP_ENGINE_ONNXRUNTIME 3
#define JSP_REPORT_ENGINE 1
#define JSP_REPORT_RSS_BYTES 2
#define JSP_REPORT_PEAK_RSS_BYTES 3
#define JSP_REPORT_THREADS 4
#define JSP_REPORT_CPUS 5
#define JSP_REPORT_GOVERNOR 6
#define JSP_REPORT_POWER_MODE 7
#define JSP_REPORT_TEMPERATURE_BEFORE 8
#define JSP_REPORT_TEMPERATURE_AFTER 9
#define JSP_REPORT_THROTTLED 10
#define JSP_REPORT_BUNDLE 11
#define JSP_REPORT_BUNDLE_NAME 12
#define JSP_REPORT_BUNDLE_NOTE 13

typedef struct jsp_hello_request {
    uint8_t protocol_min;
    uint8_t protocol_max;
    uint8_t domain; /* of a board with several: which one the session is with */
    uint8_t reserved;
    uint32_t session; /* chosen by the host; not 0 */
} jsp_hello_request;
#define JSP_HELLO_REQUEST_BYTES 8u
typedef char jsp_hello_request_size_check[sizeof(jsp_hello_request) == JSP_HELLO_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_capabilities_request {
    uint16_t offset;
    uint16_t reserved;
} jsp_capabilities_request;
#define JSP_CAPABILITIES_REQUEST_BYTES 4u
typedef char jsp_capabilities_request_size_check[sizeof(jsp_capabilities_request) == JSP_CAPABILITIES_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_lease_request {
    uint8_t action;
    uint8_t reserved[3];
    uint32_t duration_ms;
    uint8_t holder[16];
} jsp_lease_request;
#define JSP_LEASE_REQUEST_BYTES 24u
typedef char jsp_lease_request_size_check[sizeof(jsp_lease_request) == JSP_LEASE_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_plan_begin_request {
    uint8_t store;
    uint8_t reserved[3];
    uint32_t size_bytes;
    uint32_t crc32; /* over the exact bytes of the plan */
} jsp_plan_begin_request;
#define JSP_PLAN_BEGIN_REQUEST_BYTES 12u
typedef char jsp_plan_begin_request_size_check[sizeof(jsp_plan_begin_request) == JSP_PLAN_BEGIN_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_plan_chunk_request {
    uint32_t offset;
} jsp_plan_chunk_request;
#define JSP_PLAN_CHUNK_REQUEST_BYTES 4u
typedef char jsp_plan_chunk_request_size_check[sizeof(jsp_plan_chunk_request) == JSP_PLAN_CHUNK_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_input_request {
    uint8_t index;
    uint8_t reserved[3];
    uint32_t offset;
} jsp_input_request;
#define JSP_INPUT_REQUEST_BYTES 8u
typedef char jsp_input_request_size_check[sizeof(jsp_input_request) == JSP_INPUT_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_run_request {
    uint16_t iterations;
    uint8_t flags;
    uint8_t input_source;
    uint32_t seed;
    uint16_t op_limit; /* stop after this many ops; ALL_OPS runs the plan to its end */
    uint16_t reserved;
} jsp_run_request;
#define JSP_RUN_REQUEST_BYTES 12u
typedef char jsp_run_request_size_check[sizeof(jsp_run_request) == JSP_RUN_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_profile_request {
    uint16_t first_op;
    uint16_t reserved;
} jsp_profile_request;
#define JSP_PROFILE_REQUEST_BYTES 4u
typedef char jsp_profile_request_size_check[sizeof(jsp_profile_request) == JSP_PROFILE_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_output_request {
    uint8_t index;
    uint8_t reserved;
    uint16_t length;
    uint32_t offset;
} jsp_output_request;
#define JSP_OUTPUT_REQUEST_BYTES 8u
typedef char jsp_output_request_size_check[sizeof(jsp_output_request) == JSP_OUTPUT_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_arena_request {
    uint32_t offset;
    uint16_t length;
    uint16_t reserved;
} jsp_arena_request;
#define JSP_ARENA_REQUEST_BYTES 8u
typedef char jsp_arena_request_size_check[sizeof(jsp_arena_request) == JSP_ARENA_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_model_begin_request {
    uint64_t size_bytes;
    uint8_t sha256[32]; /* over the exact bytes of the model */
    uint8_t format;
    uint8_t engine;
    uint8_t threads; /* 0: the board's choice */
    uint8_t reserved[5];
} jsp_model_begin_request;
#define JSP_MODEL_BEGIN_REQUEST_BYTES 48u
typedef char jsp_model_begin_request_size_check[sizeof(jsp_model_begin_request) == JSP_MODEL_BEGIN_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_model_chunk_request {
    uint64_t offset;
} jsp_model_chunk_request;
#define JSP_MODEL_CHUNK_REQUEST_BYTES 8u
typedef char jsp_model_chunk_request_size_check[sizeof(jsp_model_chunk_request) == JSP_MODEL_CHUNK_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_report_request {
    uint16_t offset;
    uint16_t reserved;
} jsp_report_request;
#define JSP_REPORT_REQUEST_BYTES 4u
typedef char jsp_report_request_size_check[sizeof(jsp_report_request) == JSP_REPORT_REQUEST_BYTES ? 1 : -1];

typedef struct jsp_hello_answer {
    uint8_t protocol; /* the version both will speak */
    uint8_t reset_cause;
    uint16_t capabilities_bytes; /* length of the whole capability list */
    uint32_t session; /* as asked for */
    uint32_t boot_count;
    uint32_t lease_left_ms; /* 0: nobody holds the board */
    uint8_t holder[16]; /* who holds it, zero padded */
} jsp_hello_answer;
#define JSP_HELLO_ANSWER_BYTES 32u
typedef char jsp_hello_answer_size_check[sizeof(jsp_hello_answer) == JSP_HELLO_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_capabilities_answer {
    uint16_t total_bytes;
    uint16_t offset;
} jsp_capabilities_answer;
#define JSP_CAPABILITIES_ANSWER_BYTES 4u
typedef char jsp_capabilities_answer_size_check[sizeof(jsp_capabilities_answer) == JSP_CAPABILITIES_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_lease_answer {
    uint32_t duration_ms; /* granted */
    uint32_t boot_count;
} jsp_lease_answer;
#define JSP_LEASE_ANSWER_BYTES 8u
typedef char jsp_lease_answer_size_check[sizeof(jsp_lease_answer) == JSP_LEASE_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_plan_begin_answer {
    uint32_t next_offset; /* not 0 where an upload is resumed; size where nothing is to be sent */
    uint16_t window; /* chunks that may be unanswered */
    uint16_t chunk_bytes; /* largest data of a chunk */
} jsp_plan_begin_answer;
#define JSP_PLAN_BEGIN_ANSWER_BYTES 8u
typedef char jsp_plan_begin_answer_size_check[sizeof(jsp_plan_begin_answer) == JSP_PLAN_BEGIN_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_plan_chunk_answer {
    uint32_t next_offset;
} jsp_plan_chunk_answer;
#define JSP_PLAN_CHUNK_ANSWER_BYTES 4u
typedef char jsp_plan_chunk_answer_size_check[sizeof(jsp_plan_chunk_answer) == JSP_PLAN_CHUNK_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_plan_end_answer {
    uint32_t arena_bytes; /* what the plan needs */
    uint32_t arena_available_bytes; /* what the board has beside the plan */
    uint16_t op_count;
    uint16_t tensor_count;
} jsp_plan_end_answer;
#define JSP_PLAN_END_ANSWER_BYTES 12u
typedef char jsp_plan_end_answer_size_check[sizeof(jsp_plan_end_answer) == JSP_PLAN_END_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_input_answer {
    uint32_t next_offset;
} jsp_input_answer;
#define JSP_INPUT_ANSWER_BYTES 4u
typedef char jsp_input_answer_size_check[sizeof(jsp_input_answer) == JSP_INPUT_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_run_answer {
    uint16_t iterations;
    uint16_t unstable_at; /* first iteration whose output differs from the first's; NO_INDEX */
    uint32_t input_crc32;
    uint32_t output_crc32; /* of the first iteration */
    uint32_t arena_high_water_bytes;
    uint32_t stack_high_water_bytes;
    uint32_t instructions; /* of the last iteration; 0: not counted */
} jsp_run_answer;
#define JSP_RUN_ANSWER_BYTES 24u
typedef char jsp_run_answer_size_check[sizeof(jsp_run_answer) == JSP_RUN_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_profile_answer {
    uint16_t op_count;
    uint16_t first_op;
} jsp_profile_answer;
#define JSP_PROFILE_ANSWER_BYTES 4u
typedef char jsp_profile_answer_size_check[sizeof(jsp_profile_answer) == JSP_PROFILE_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_output_answer {
    uint32_t offset;
} jsp_output_answer;
#define JSP_OUTPUT_ANSWER_BYTES 4u
typedef char jsp_output_answer_size_check[sizeof(jsp_output_answer) == JSP_OUTPUT_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_arena_answer {
    uint32_t offset;
} jsp_arena_answer;
#define JSP_ARENA_ANSWER_BYTES 4u
typedef char jsp_arena_answer_size_check[sizeof(jsp_arena_answer) == JSP_ARENA_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_ping_answer {
    uint32_t boot_count;
    uint32_t uptime_ms;
} jsp_ping_answer;
#define JSP_PING_ANSWER_BYTES 8u
typedef char jsp_ping_answer_size_check[sizeof(jsp_ping_answer) == JSP_PING_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_model_begin_answer {
    uint64_t next_offset; /* not 0 where an upload is resumed; size where nothing is to be sent */
    uint32_t chunk_bytes; /* largest data of a chunk */
    uint16_t window; /* chunks that may be unanswered */
    uint16_t reserved;
} jsp_model_begin_answer;
#define JSP_MODEL_BEGIN_ANSWER_BYTES 16u
typedef char jsp_model_begin_answer_size_check[sizeof(jsp_model_begin_answer) == JSP_MODEL_BEGIN_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_model_chunk_answer {
    uint64_t next_offset;
} jsp_model_chunk_answer;
#define JSP_MODEL_CHUNK_ANSWER_BYTES 8u
typedef char jsp_model_chunk_answer_size_check[sizeof(jsp_model_chunk_answer) == JSP_MODEL_CHUNK_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_model_end_answer {
    uint16_t input_count;
    uint16_t output_count;
    uint32_t load_us; /* what the engine took to load it */
} jsp_model_end_answer;
#define JSP_MODEL_END_ANSWER_BYTES 8u
typedef char jsp_model_end_answer_size_check[sizeof(jsp_model_end_answer) == JSP_MODEL_END_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_report_answer {
    uint16_t total_bytes;
    uint16_t offset;
} jsp_report_answer;
#define JSP_REPORT_ANSWER_BYTES 4u
typedef char jsp_report_answer_size_check[sizeof(jsp_report_answer) == JSP_REPORT_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_alive_message {
    uint16_t op; /* the next op */
    uint16_t op_count;
} jsp_alive_message;
#define JSP_ALIVE_MESSAGE_BYTES 4u
typedef char jsp_alive_message_size_check[sizeof(jsp_alive_message) == JSP_ALIVE_MESSAGE_BYTES ? 1 : -1];

typedef struct jsp_error_answer {
    uint8_t request_type;
    uint8_t reserved;
    int16_t code;
    uint16_t index; /* op, tensor or input concerned, else NO_INDEX */
    uint16_t reserved2;
    uint32_t needed;
    uint32_t available;
    uint32_t boot_count;
    uint32_t lease_left_ms;
    uint8_t holder[16];
} jsp_error_answer;
#define JSP_ERROR_ANSWER_BYTES 40u
typedef char jsp_error_answer_size_check[sizeof(jsp_error_answer) == JSP_ERROR_ANSWER_BYTES ? 1 : -1];

typedef struct jsp_store_capability {
    uint8_t store;
    uint8_t window;
    uint8_t written_by; /* 0 the session, 1 a programmer */
    uint8_t reserved;
    uint32_t capacity_bytes;
} jsp_store_capability;
#define JSP_STORE_CAPABILITY_BYTES 8u
typedef char jsp_store_capability_size_check[sizeof(jsp_store_capability) == JSP_STORE_CAPABILITY_BYTES ? 1 : -1];

typedef struct jsp_engine_offer {
    uint8_t engine;
    uint8_t formats; /* bit set: bit n is format n */
} jsp_engine_offer;
#define JSP_ENGINE_OFFER_BYTES 2u
typedef char jsp_engine_offer_size_check[sizeof(jsp_engine_offer) == JSP_ENGINE_OFFER_BYTES ? 1 : -1];

typedef struct jsp_start_check {
    uint8_t store;
    uint8_t reserved;
    int16_t code; /* 0: the plan passed its self-test; else why it is not loaded */
    uint32_t plan_crc32; /* as in the plan's header */
} jsp_start_check;
#define JSP_START_CHECK_BYTES 8u
typedef char jsp_start_check_size_check[sizeof(jsp_start_check) == JSP_START_CHECK_BYTES ? 1 : -1];

/* Seeded inputs */
#define JSP_INPUT_STRIDE 2654435769u
#define JSP_ZERO_STATE 1831565813u

/* Capabilities */
#define JSP_TAG_FIRMWARE 1
#define JSP_TAG_BOARD 2
#define JSP_TAG_DOMAIN 3
#define JSP_TAG_UID 4
#define JSP_TAG_CORE 5
#define JSP_TAG_CLOCK_HZ 6
#define JSP_TAG_TICK_HZ 7
#define JSP_TAG_MAX_PAYLOAD_BYTES 8
#define JSP_TAG_STORE 9
#define JSP_TAG_POOL_BYTES 10
#define JSP_TAG_OP_SET 11
#define JSP_TAG_WEIGHT_LAYOUTS 12
#define JSP_TAG_FEATURES 13
#define JSP_TAG_BUILD 14
#define JSP_TAG_ENGINE 15
#define JSP_TAG_MAX_BATCH 16
#define JSP_TAG_MAX_NS_PER_MAC 17
#define JSP_TAG_PLAN_VERSION 18
#define JSP_TAG_STATIC_BYTES 19
#define JSP_TAG_STACK_BYTES 20
#define JSP_TAG_EMULATOR 21
#define JSP_TAG_ENGINE_OFFER 22
#define JSP_TAG_MODEL_BYTES 23
#define JSP_TAG_START_CHECK 24
#define JSP_FEATURE_PROFILE 1
#define JSP_FEATURE_CYCLE_COUNTER 2
#define JSP_FEATURE_STACK_HIGH_WATER 4
#define JSP_FEATURE_ARENA_HIGH_WATER 8
#define JSP_FEATURE_RESET 16
#define JSP_FEATURE_WATCHDOG_HARDWARE 32
#define JSP_FEATURE_WATCHDOG_SOFTWARE 64
#define JSP_WRITTEN_BY_SESSION 0
#define JSP_WRITTEN_BY_PROGRAMMER 1

/* Error codes */
#define JSP_E_OK 0 /* done */
#define JSP_E_BAD_REQUEST (-1) /* the payload is shorter, longer or other than its type says */
#define JSP_E_UNKNOWN_TYPE (-2) /* this agent has no such request */
#define JSP_E_NO_SESSION (-3) /* no lease is held under this session (the board may have reset) */
#define JSP_E_BUSY (-4) /* another session holds the lease */
#define JSP_E_UNSUPPORTED_VERSION (-5) /* no protocol version in common */
#define JSP_E_BAD_STORE (-6) /* the board has no such plan store */
#define JSP_E_STORE_TOO_SMALL (-7) /* the plan is larger than the store */
#define JSP_E_STORE_FAULT (-8) /* the store could not be erased, written or read back */
#define JSP_E_UPLOAD_CHECKSUM (-9) /* the stored bytes do not have the announced CRC-32 */
#define JSP_E_NO_PLAN (-10) /* no checked plan is loaded */
#define JSP_E_BAD_INDEX (-11) /* no input, output or op of that index */
#define JSP_E_BAD_RANGE (-12) /* offset and length reach outside the object */
#define JSP_E_INPUT_STALE (-13) /* a sent input is incomplete, or the last run overwrote it */
#define JSP_E_ARENA_TOO_SMALL (-14) /* the plan needs more arena than the board has left */
#define JSP_E_ARENA_OVERRUN (-15) /* a guard byte beside the arena was changed */
#define JSP_E_TOO_MANY_ITERATIONS (-16) /* more iterations than the offered max_batch */
#define JSP_E_NO_UPLOAD (-17) /* a chunk or an end without a begin */
#define JSP_E_UNSUPPORTED (-18) /* the board offers no such feature */
#define JSP_E_STORE_READ_ONLY (-19) /* the store holds another plan and is written by a programmer alone */
#define JSP_E_MODEL_TOO_LARGE (-20) /* the model is larger than the board takes */
#define JSP_E_MODEL_HASH (-21) /* the received bytes do not have the announced SHA-256 */
#define JSP_E_MODEL_NAME (-22) /* the model's name is empty, too long, no UTF-8 or no mere label */
#define JSP_E_MODEL_REFUSED (-23) /* the engine does not load the model */
#define JSP_E_ENGINE_FAILED (-24) /* the engine crashed, hung or failed while it had the model */
#define JSP_E_BUNDLE_FORMAT (-25) /* the bundle, or its manifest, is not of the form that it must have */
#define JSP_E_BUNDLE_SIZE (-26) /* a file of the bundle has not the size that its manifest says */
#define JSP_E_BUNDLE_SIGNATURE (-27) /* the bundle is not signed by a key that the agent trusts */
#define JSP_E_BUNDLE_HASH (-28) /* a file of the bundle is not the one that was signed */
#define JSP_E_BUNDLE_UNFIT (-29) /* the bundle was made for another board, engine or version */
#define JSP_E_BUNDLE_SELF_TEST (-30) /* the bundle's model did not answer its test vectors as it must */
#define JSP_E_BUNDLE_ONLY (-31) /* the agent takes signed bundles alone */
#define JSP_E_PLAN_MAGIC (-32) /* the bytes do not begin with the plan's magic */
#define JSP_E_PLAN_VERSION (-33) /* a plan version this runtime does not read */
#define JSP_E_PLAN_SIZE (-34) /* the size in the header is not the size of the plan */
#define JSP_E_PLAN_CHECKSUM (-35) /* the CRC-32 in the header is not that of the plan */
#define JSP_E_PLAN_TABLE (-36) /* a table lies outside the plan */
#define JSP_E_PLAN_ALIGNMENT (-37) /* an offset is not aligned as its elements need */
#define JSP_E_PLAN_TENSOR (-38) /* a tensor lies outside the arena or contradicts its shape */
#define JSP_E_PLAN_OP_KIND (-39) /* an op kind this runtime does not have */
#define JSP_E_PLAN_OP_RECORD (-40) /* an op record is cut short or names a tensor that is not there */
#define JSP_E_PLAN_DTYPE (-41) /* an op has no kernel for this element type */
#define JSP_E_PLAN_SHAPE (-42) /* an op's parameters contradict the sizes of its tensors */
#define JSP_E_PLAN_PARAMETER (-43) /* a parameter is outside its range */
#define JSP_E_PLAN_DATA (-44) /* weights, biases or a table lie outside the plan */
#define JSP_E_PLAN_SCRATCH (-45) /* scratch lies outside the arena */
#define JSP_E_PLAN_LAYOUT (-46) /* a weight layout this runtime does not read */
#define JSP_E_PLAN_SELF_TEST (-47) /* the plan's output at the start is not its self-test record's */

/* The plan */
#define JSP_PLAN_MAGIC 1313624138u
#define JSP_SELF_TEST_MAGIC 1414747210u
#define JSP_PLAN_VERSION_MAJOR 1u
#define JSP_PLAN_VERSION_MINOR 0u
#define JSP_PLAN_ALIGNMENT 16u
#define JSP_PLAN_CRC_FROM 16u
#define JSP_MAX_RANK 6u
#define JSP_MAX_OP_TENSORS 16u
#define JSP_DTYPE_INT4 1
#define JSP_DTYPE_INT8 2
#define JSP_DTYPE_INT16 3
#define JSP_DTYPE_INT32 4
#define JSP_DTYPE_FLOAT32 5
#define JSP_OP_CONV_2D 1
#define JSP_OP_DEPTHWISE_CONV_2D 2
#define JSP_OP_FULLY_CONNECTED 3
#define JSP_OP_ADD 4
#define JSP_OP_MUL 5
#define JSP_OP_AVERAGE_POOL_2D 6
#define JSP_OP_MAX_POOL_2D 7
#define JSP_OP_SOFTMAX 8
#define JSP_OP_LOGISTIC 9
#define JSP_OP_HARD_SWISH 10
#define JSP_OP_PAD 11
#define JSP_OP_MEAN 12
#define JSP_OP_CONCATENATION 13
#define JSP_OP_TRANSPOSE 14
#define JSP_OP_QUANTIZE 15
#define JSP_OP_RESHAPE 16
#define JSP_OP_CONSTANT 17
#define JSP_OP_CONV_2D_INT4 18
#define JSP_OP_FULLY_CONNECTED_INT4 19
#define JSP_TENSOR_INPUT 1
#define JSP_TENSOR_OUTPUT 2
#define JSP_TENSOR_PERSISTENT 4
#define JSP_PLAN_INPUTS_OVERWRITTEN 1
#define JSP_LAYOUT_ROWS4 1

typedef struct jsp_plan_header {
    uint32_t magic;
    uint8_t version_major;
    uint8_t version_minor;
    uint16_t header_bytes;
    uint32_t total_bytes;
    uint32_t crc32; /* over the plan from byte 16 to its end */
    uint32_t arena_bytes; /* every tensor and all scratch */
    uint32_t persistent_bytes; /* first bytes of the arena that keep between runs */
    uint16_t tensor_count;
    uint16_t op_count;
    uint16_t input_count;
    uint16_t output_count;
    uint32_t tensors_offset;
    uint32_t ops_offset;
    uint32_t ops_bytes;
    uint32_t io_offset; /* input records, then output records */
    uint32_t strings_offset;
    uint32_t strings_bytes;
    uint16_t flags;
    uint8_t weight_layout;
    uint8_t reserved;
    uint32_t macs; /* multiply-accumulates of one run, saturated at 2^32 - 1 */
} jsp_plan_header;
#define JSP_PLAN_HEADER_BYTES 64u
typedef char jsp_plan_header_size_check[sizeof(jsp_plan_header) == JSP_PLAN_HEADER_BYTES ? 1 : -1];

typedef struct jsp_plan_self_test {
    uint32_t magic;
    uint32_t plan_crc32; /* as in the header of the plan before it */
    uint32_t seed; /* draws the inputs */
    uint32_t output_crc32; /* over all outputs, in order */
} jsp_plan_self_test;
#define JSP_PLAN_SELF_TEST_BYTES 16u
typedef char jsp_plan_self_test_size_check[sizeof(jsp_plan_self_test) == JSP_PLAN_SELF_TEST_BYTES ? 1 : -1];

typedef struct jsp_plan_tensor {
    uint8_t dtype;
    uint8_t flags;
    uint8_t rank;
    uint8_t reserved;
    uint32_t arena_offset;
    uint32_t size_bytes;
    uint32_t shape_offset; /* uint32_t[rank] in the data */
} jsp_plan_tensor;
#define JSP_PLAN_TENSOR_BYTES 16u
typedef char jsp_plan_tensor_size_check[sizeof(jsp_plan_tensor) == JSP_PLAN_TENSOR_BYTES ? 1 : -1];

typedef struct jsp_plan_io {
    uint16_t tensor;
    uint8_t meaning;
    uint8_t reserved;
    uint32_t name_offset; /* UTF-8 in the strings */
    uint32_t name_bytes;
    float scale;
    int32_t zero_point;
} jsp_plan_io;
#define JSP_PLAN_IO_BYTES 20u
typedef char jsp_plan_io_size_check[sizeof(jsp_plan_io) == JSP_PLAN_IO_BYTES ? 1 : -1];

typedef struct jsp_plan_op {
    uint8_t kind;
    uint8_t input_count;
    uint8_t output_count;
    uint8_t reserved;
    uint16_t record_bytes; /* this header, tensor indices (uint16_t, padded to 4), parameters */
    uint16_t params_offset; /* from the start of the record */
    uint32_t scratch_offset; /* in the arena, divisible by 16 */
    uint32_t scratch_bytes; /* granted; a kernel takes the fastest way that fits */
} jsp_plan_op;
#define JSP_PLAN_OP_BYTES 16u
typedef char jsp_plan_op_size_check[sizeof(jsp_plan_op) == JSP_PLAN_OP_BYTES ? 1 : -1];

typedef struct jsp_conv_params {
    uint16_t batch;
    uint16_t input_h;
    uint16_t input_w;
    uint16_t input_c;
    uint16_t output_h;
    uint16_t output_w;
    uint16_t output_c;
    uint16_t kernel_h;
    uint16_t kernel_w;
    uint16_t groups; /* input_c for DEPTHWISE_CONV_2D */
    uint16_t stride_h;
    uint16_t stride_w;
    uint16_t dilation_h;
    uint16_t dilation_w;
    int16_t pad_top;
    int16_t pad_left;
    int32_t pad_value; /* the input's zero point */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    uint32_t weights_offset;
    uint32_t bias_offset; /* int32_t[output_c], input zero point folded in */
    uint32_t multipliers_offset; /* int32_t[output_c], Q31 */
    uint32_t shifts_offset; /* int8_t[output_c], positive is left */
} jsp_conv_params;
#define JSP_CONV_PARAMS_BYTES 64u
typedef char jsp_conv_params_size_check[sizeof(jsp_conv_params) == JSP_CONV_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_fully_connected_params {
    uint32_t batch;
    uint32_t inputs;
    uint32_t outputs;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    uint32_t weights_offset;
    uint32_t bias_offset; /* int32_t[outputs], input zero point folded in */
    uint32_t multipliers_offset; /* int32_t[channels], Q31 */
    uint32_t shifts_offset; /* int8_t[channels], positive is left */
    uint32_t channels; /* outputs, or 1 where all share a multiplier */
} jsp_fully_connected_params;
#define JSP_FULLY_CONNECTED_PARAMS_BYTES 44u
typedef char jsp_fully_connected_params_size_check[sizeof(jsp_fully_connected_params) == JSP_FULLY_CONNECTED_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_elementwise_params {
    int32_t input1_offset; /* minus the zero point */
    int32_t input2_offset;
    int32_t output_offset;
    int32_t input1_multiplier; /* ADD only */
    int32_t input2_multiplier; /* ADD only */
    int32_t output_multiplier;
    int8_t input1_shift;
    int8_t input2_shift;
    int8_t output_shift;
    int8_t left_shift; /* ADD only */
    int32_t activation_min;
    int32_t activation_max;
    uint32_t dims[4]; /* of the output, outermost first */
    uint32_t input1_strides[4]; /* elements; 0 repeats (broadcast) */
    uint32_t input2_strides[4];
} jsp_elementwise_params;
#define JSP_ELEMENTWISE_PARAMS_BYTES 84u
typedef char jsp_elementwise_params_size_check[sizeof(jsp_elementwise_params) == JSP_ELEMENTWISE_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_pool_params {
    uint16_t batch;
    uint16_t input_h;
    uint16_t input_w;
    uint16_t channels;
    uint16_t output_h;
    uint16_t output_w;
    uint16_t window_h;
    uint16_t window_w;
    uint16_t stride_h;
    uint16_t stride_w;
    int16_t pad_top;
    int16_t pad_left;
    int32_t activation_min;
    int32_t activation_max;
} jsp_pool_params;
#define JSP_POOL_PARAMS_BYTES 32u
typedef char jsp_pool_params_size_check[sizeof(jsp_pool_params) == JSP_POOL_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_softmax_params {
    uint32_t rows;
    uint32_t depth;
    uint32_t table_entries; /* 1 to 256: larger differences from the row's maximum give 0 */
    uint32_t table_offset; /* int32_t[entries]: exp(-scale * beta * difference) in Q0.31 */
} jsp_softmax_params;
#define JSP_SOFTMAX_PARAMS_BYTES 16u
typedef char jsp_softmax_params_size_check[sizeof(jsp_softmax_params) == JSP_SOFTMAX_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_lookup_params {
    uint32_t count;
    uint32_t table_offset; /* int8_t[256], by the input's byte as uint8_t */
} jsp_lookup_params;
#define JSP_LOOKUP_PARAMS_BYTES 8u
typedef char jsp_lookup_params_size_check[sizeof(jsp_lookup_params) == JSP_LOOKUP_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_pad_params {
    uint32_t dims[6]; /* of the input, outermost first, leading ones */
    uint32_t before[6];
    uint32_t after[6];
    int32_t value;
} jsp_pad_params;
#define JSP_PAD_PARAMS_BYTES 76u
typedef char jsp_pad_params_size_check[sizeof(jsp_pad_params) == JSP_PAD_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_mean_params {
    uint32_t kept_dims[6]; /* of the output, outermost first, leading ones */
    uint32_t kept_strides[6]; /* elements of the input */
    uint32_t reduced_dims[6]; /* leading ones */
    uint32_t reduced_strides[6];
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t multiplier; /* Q31, division by the count folded in */
    int32_t shift;
} jsp_mean_params;
#define JSP_MEAN_PARAMS_BYTES 112u
typedef char jsp_mean_params_size_check[sizeof(jsp_mean_params) == JSP_MEAN_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_concatenation_params {
    uint32_t outer; /* rows; an input's row is its size divided by this */
} jsp_concatenation_params;
#define JSP_CONCATENATION_PARAMS_BYTES 4u
typedef char jsp_concatenation_params_size_check[sizeof(jsp_concatenation_params) == JSP_CONCATENATION_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_transpose_params {
    uint32_t dims[6]; /* of the output, outermost first, leading ones */
    uint32_t input_strides[6]; /* elements */
} jsp_transpose_params;
#define JSP_TRANSPOSE_PARAMS_BYTES 48u
typedef char jsp_transpose_params_size_check[sizeof(jsp_transpose_params) == JSP_TRANSPOSE_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_reshape_params {
    uint32_t size_bytes;
} jsp_reshape_params;
#define JSP_RESHAPE_PARAMS_BYTES 4u
typedef char jsp_reshape_params_size_check[sizeof(jsp_reshape_params) == JSP_RESHAPE_PARAMS_BYTES ? 1 : -1];

typedef struct jsp_constant_params {
    uint32_t size_bytes;
    uint32_t data_offset; /* the output's bytes */
} jsp_constant_params;
#define JSP_CONSTANT_PARAMS_BYTES 8u
typedef char jsp_constant_params_size_check[sizeof(jsp_constant_params) == JSP_CONSTANT_PARAMS_BYTES ? 1 : -1];

#endif
