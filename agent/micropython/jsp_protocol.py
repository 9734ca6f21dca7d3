"""Emitted from protocol/ by `python -m protocol.emit`: do not edit."""

# fmt: off
from layout import Layout

PROTOCOL_VERSION = 1
HEADER_BYTES = 10
CRC_BYTES = 4
ANSWER_BIT = 128
NO_INDEX = 65535
ALL_OPS = 65535
HOLDER_BYTES = 16
INPUT_STRIDE = 2654435769
ZERO_STATE = 1831565813
PLAN_MAGIC = 1313624138
PLAN_VERSION_MAJOR = 1
PLAN_VERSION_MINOR = 0
PLAN_ALIGNMENT = 16
PLAN_CRC_FROM = 16
MAX_RANK = 6
MAX_OP_TENSORS = 16

TYPE_HELLO = 1
TYPE_CAPABILITIES = 2
TYPE_LEASE = 3
TYPE_PLAN_BEGIN = 4
TYPE_PLAN_CHUNK = 5
TYPE_PLAN_END = 6
TYPE_INPUT = 7
TYPE_RUN = 8
TYPE_PROFILE = 9
TYPE_OUTPUT = 10
TYPE_ARENA = 11
TYPE_PING = 12
TYPE_RESET = 13
TYPE_MODEL_BEGIN = 14
TYPE_MODEL_CHUNK = 15
TYPE_MODEL_END = 16
TYPE_REPORT = 17
TYPE_ALIVE = 254
TYPE_ERROR = 255

LEASE_RELEASE = 0
LEASE_TAKE = 1

STORE_RAM = 1
STORE_FLASH = 2

INPUT_SENT = 0
INPUT_SEEDED = 1

RUN_PROFILE = 1

RESET_UNKNOWN = 0
RESET_POWER_ON = 1
RESET_PIN = 2
RESET_SOFTWARE = 3
RESET_WATCHDOG = 4

TAG_FIRMWARE = 1
TAG_BOARD = 2
TAG_DOMAIN = 3
TAG_UID = 4
TAG_CORE = 5
TAG_CLOCK_HZ = 6
TAG_TICK_HZ = 7
TAG_MAX_PAYLOAD_BYTES = 8
TAG_STORE = 9
TAG_POOL_BYTES = 10
TAG_OP_SET = 11
TAG_WEIGHT_LAYOUTS = 12
TAG_FEATURES = 13
TAG_BUILD = 14
TAG_ENGINE = 15
TAG_MAX_BATCH = 16
TAG_MAX_NS_PER_MAC = 17
TAG_PLAN_VERSION = 18
TAG_STATIC_BYTES = 19
TAG_STACK_BYTES = 20
TAG_EMULATOR = 21
TAG_ENGINE_OFFER = 22
TAG_MODEL_BYTES = 23
TAG_START_CHECK = 24

FEATURE_PROFILE = 1
FEATURE_CYCLE_COUNTER = 2
FEATURE_STACK_HIGH_WATER = 4
FEATURE_ARENA_HIGH_WATER = 8
FEATURE_RESET = 16
FEATURE_WATCHDOG_HARDWARE = 32
FEATURE_WATCHDOG_SOFTWARE = 64

WRITTEN_BY_SESSION = 0
WRITTEN_BY_PROGRAMMER = 1

E_OK = 0
E_BAD_REQUEST = -1
E_UNKNOWN_TYPE = -2
E_NO_SESSION = -3
E_BUSY = -4
E_UNSUPPORTED_VERSION = -5
E_BAD_STORE = -6
E_STORE_TOO_SMALL = -7
E_STORE_FAULT = -8
E_UPLOAD_CHECKSUM = -9
E_NO_PLAN = -10
E_BAD_INDEX = -11
E_BAD_RANGE = -12
E_INPUT_STALE = -13
E_ARENA_TOO_SMALL = -14
E_ARENA_OVERRUN = -15
E_TOO_MANY_ITERATIONS = -16
E_NO_UPLOAD = -17
E_UNSUPPORTED = -18
E_STORE_READ_ONLY = -19
E_MODEL_TOO_LARGE = -20
E_MODEL_HASH = -21
E_MODEL_NAME = -22
E_MODEL_REFUSED = -23
E_ENGINE_FAILED = -24
E_BUNDLE_FORMAT = -25
E_BUNDLE_SIZE = -26
E_BUNDLE_SIGNATURE = -27
E_BUNDLE_HASH = -28
E_BUNDLE_UNFIT = -29
E_BUNDLE_SELF_TEST = -30
E_BUNDLE_ONLY = -31
E_PLAN_MAGIC = -32
E_PLAN_VERSION = -33
E_PLAN_SIZE = -34
E_PLAN_CHECKSUM = -35
E_PLAN_TABLE = -36
E_PLAN_ALIGNMENT = -37
E_PLAN_TENSOR = -38
E_PLAN_OP_KIND = -39
E_PLAN_OP_RECORD = -40
E_PLAN_DTYPE = -41
E_PLAN_SHAPE = -42
E_PLAN_PARAMETER = -43
E_PLAN_DATA = -44
E_PLAN_SCRATCH = -45
E_PLAN_LAYOUT = -46
E_PLAN_SELF_TEST = -47

DTYPE_INT4 = 1
DTYPE_INT8 = 2
DTYPE_INT16 = 3
DTYPE_INT32 = 4
DTYPE_FLOAT32 = 5

OP_CONV_2D = 1
OP_DEPTHWISE_CONV_2D = 2
OP_FULLY_CONNECTED = 3
OP_ADD = 4
OP_MUL = 5
OP_AVERAGE_POOL_2D = 6
OP_MAX_POOL_2D = 7
OP_SOFTMAX = 8
OP_LOGISTIC = 9
OP_HARD_SWISH = 10
OP_PAD = 11
OP_MEAN = 12
OP_CONCATENATION = 13
OP_TRANSPOSE = 14
OP_QUANTIZE = 15
OP_RESHAPE = 16
OP_CONSTANT = 17
OP_CONV_2D_INT4 = 18
OP_FULLY_CONNECTED_INT4 = 19

TENSOR_INPUT = 1
TENSOR_OUTPUT = 2
TENSOR_PERSISTENT = 4

PLAN_INPUTS_OVERWRITTEN = 1

LAYOUT_ROWS4 = 1

FRAME_HEADER = Layout(
    "B B L H H",
    "version type session sequence length",
)

HELLO_REQUEST = Layout(
    "B B B B L",
    "protocol_min protocol_max domain reserved session",
)

CAPABILITIES_REQUEST = Layout(
    "H H",
    "offset reserved",
)

LEASE_REQUEST = Layout(
    "B 3s L 16s",
    "action reserved duration_ms holder",
)

PLAN_BEGIN_REQUEST = Layout(
    "B 3s L L",
    "store reserved size_bytes crc32",
)

PLAN_CHUNK_REQUEST = Layout(
    "L",
    "offset",
)

INPUT_REQUEST = Layout(
    "B 3s L",
    "index reserved offset",
)

RUN_REQUEST = Layout(
    "H B B L H H",
    "iterations flags input_source seed op_limit reserved",
)

PROFILE_REQUEST = Layout(
    "H H",
    "first_op reserved",
)

OUTPUT_REQUEST = Layout(
    "B B H L",
    "index reserved length offset",
)

ARENA_REQUEST = Layout(
    "L H H",
    "offset length reserved",
)

MODEL_BEGIN_REQUEST = Layout(
    "Q 32s B B B 5s",
    "size_bytes sha256 format engine threads reserved",
)

MODEL_CHUNK_REQUEST = Layout(
    "Q",
    "offset",
)

REPORT_REQUEST = Layout(
    "H H",
    "offset reserved",
)

HELLO_ANSWER = Layout(
    "B B H L L L 16s",
    "protocol reset_cause capabilities_bytes session boot_count lease_left_ms holder",
)

CAPABILITIES_ANSWER = Layout(
    "H H",
    "total_bytes offset",
)

LEASE_ANSWER = Layout(
    "L L",
    "duration_ms boot_count",
)

PLAN_BEGIN_ANSWER = Layout(
    "L H H",
    "next_offset window chunk_bytes",
)

PLAN_CHUNK_ANSWER = Layout(
    "L",
    "next_offset",
)

PLAN_END_ANSWER = Layout(
    "L L H H",
    "arena_bytes arena_available_bytes op_count tensor_count",
)

INPUT_ANSWER = Layout(
    "L",
    "next_offset",
)

RUN_ANSWER = Layout(
    "H H L L L L L",
    "iterations unstable_at input_crc32 output_crc32 arena_high_water_bytes "
    "stack_high_water_bytes instructions",
)

PROFILE_ANSWER = Layout(
    "H H",
    "op_count first_op",
)

OUTPUT_ANSWER = Layout(
    "L",
    "offset",
)

ARENA_ANSWER = Layout(
    "L",
    "offset",
)

PING_ANSWER = Layout(
    "L L",
    "boot_count uptime_ms",
)

MODEL_BEGIN_ANSWER = Layout(
    "Q L H H",
    "next_offset chunk_bytes window reserved",
)

MODEL_CHUNK_ANSWER = Layout(
    "Q",
    "next_offset",
)

MODEL_END_ANSWER = Layout(
    "H H L",
    "input_count output_count load_us",
)

REPORT_ANSWER = Layout(
    "H H",
    "total_bytes offset",
)

ALIVE_MESSAGE = Layout(
    "H H",
    "op op_count",
)

ERROR_ANSWER = Layout(
    "B B h H H L L L L 16s",
    "request_type reserved code index reserved2 needed available boot_count lease_left_ms holder",
)

STORE_CAPABILITY = Layout(
    "B B B B L",
    "store window written_by reserved capacity_bytes",
)

ENGINE_OFFER = Layout(
    "B B",
    "engine formats",
)

START_CHECK = Layout(
    "B B h L",
    "store reserved code plan_crc32",
)

PLAN_HEADER = Layout(
    "L B B H L L L L H H H H L L L L L L H B B L",
    "magic version_major version_minor header_bytes total_bytes crc32 arena_bytes "
    "persistent_bytes tensor_count op_count input_count output_count tensors_offset ops_offset "
    "ops_bytes io_offset strings_offset strings_bytes flags weight_layout reserved macs",
)

PLAN_SELF_TEST = Layout(
    "L L L L",
    "magic plan_crc32 seed output_crc32",
)

PLAN_TENSOR = Layout(
    "B B B B L L L",
    "dtype flags rank reserved arena_offset size_bytes shape_offset",
)

PLAN_IO = Layout(
    "H B B L L f l",
    "tensor meaning reserved name_offset name_bytes scale zero_point",
)

PLAN_OP = Layout(
    "B B B B H H L L",
    "kind input_count output_count reserved record_bytes params_offset scratch_offset "
    "scratch_bytes",
)

CONV_PARAMS = Layout(
    "H H H H H H H H H H H H H H h h l l l l L L L L",
    "batch input_h input_w input_c output_h output_w output_c kernel_h kernel_w groups stride_h "
    "stride_w dilation_h dilation_w pad_top pad_left pad_value output_zero_point activation_min "
    "activation_max weights_offset bias_offset multipliers_offset shifts_offset",
)

FULLY_CONNECTED_PARAMS = Layout(
    "L L L l l l L L L L L",
    "batch inputs outputs output_zero_point activation_min activation_max weights_offset "
    "bias_offset multipliers_offset shifts_offset channels",
)

ELEMENTWISE_PARAMS = Layout(
    "l l l l l l b b b b l l 4L 4L 4L",
    "input1_offset input2_offset output_offset input1_multiplier input2_multiplier "
    "output_multiplier input1_shift input2_shift output_shift left_shift activation_min "
    "activation_max dims input1_strides input2_strides",
)

POOL_PARAMS = Layout(
    "H H H H H H H H H H h h l l",
    "batch input_h input_w channels output_h output_w window_h window_w stride_h stride_w pad_top "
    "pad_left activation_min activation_max",
)

SOFTMAX_PARAMS = Layout(
    "L L L L",
    "rows depth table_entries table_offset",
)

LOOKUP_PARAMS = Layout(
    "L L",
    "count table_offset",
)

PAD_PARAMS = Layout(
    "6L 6L 6L l",
    "dims before after value",
)

MEAN_PARAMS = Layout(
    "6L 6L 6L 6L l l l l",
    "kept_dims kept_strides reduced_dims reduced_strides input_zero_point output_zero_point "
    "multiplier shift",
)

CONCATENATION_PARAMS = Layout(
    "L",
    "outer",
)

TRANSPOSE_PARAMS = Layout(
    "6L 6L",
    "dims input_strides",
)

RESHAPE_PARAMS = Layout(
    "L",
    "size_bytes",
)

CONSTANT_PARAMS = Layout(
    "L L",
    "size_bytes data_offset",
)
