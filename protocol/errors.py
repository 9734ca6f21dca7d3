"""Error codes an agent answers with. Negative, so that C functions return them."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """What went wrong on the board; the comment of each is emitted into the C header."""

    OK = 0

    BAD_REQUEST = -1
    UNKNOWN_TYPE = -2
    NO_SESSION = -3
    BUSY = -4
    UNSUPPORTED_VERSION = -5
    BAD_STORE = -6
    STORE_TOO_SMALL = -7
    STORE_FAULT = -8
    UPLOAD_CHECKSUM = -9
    NO_PLAN = -10
    BAD_INDEX = -11
    BAD_RANGE = -12
    INPUT_STALE = -13
    ARENA_TOO_SMALL = -14
    ARENA_OVERRUN = -15
    TOO_MANY_ITERATIONS = -16
    NO_UPLOAD = -17
    UNSUPPORTED = -18
    STORE_READ_ONLY = -19
    MODEL_TOO_LARGE = -20
    MODEL_HASH = -21
    MODEL_NAME = -22
    MODEL_REFUSED = -23
    ENGINE_FAILED = -24
    BUNDLE_FORMAT = -25
    BUNDLE_SIZE = -26
    BUNDLE_SIGNATURE = -27
    BUNDLE_HASH = -28
    BUNDLE_UNFIT = -29
    BUNDLE_SELF_TEST = -30
    BUNDLE_ONLY = -31

    PLAN_MAGIC = -32
    PLAN_VERSION = -33
    PLAN_SIZE = -34
    PLAN_CHECKSUM = -35
    PLAN_TABLE = -36
    PLAN_ALIGNMENT = -37
    PLAN_TENSOR = -38
    PLAN_OP_KIND = -39
    PLAN_OP_RECORD = -40
    PLAN_DTYPE = -41
    PLAN_SHAPE = -42
    PLAN_PARAMETER = -43
    PLAN_DATA = -44
    PLAN_SCRATCH = -45
    PLAN_LAYOUT = -46
    PLAN_SELF_TEST = -47


DESCRIPTIONS: dict[ErrorCode, str] = {
    ErrorCode.OK: "done",
    ErrorCode.BAD_REQUEST: "the payload is shorter, longer or other than its type says",
    ErrorCode.UNKNOWN_TYPE: "this agent has no such request",
    ErrorCode.NO_SESSION: "no lease is held under this session (the board may have reset)",
    ErrorCode.BUSY: "another session holds the lease",
    ErrorCode.UNSUPPORTED_VERSION: "no protocol version in common",
    ErrorCode.BAD_STORE: "the board has no such plan store",
    ErrorCode.STORE_TOO_SMALL: "the plan is larger than the store",
    ErrorCode.STORE_FAULT: "the store could not be erased, written or read back",
    ErrorCode.UPLOAD_CHECKSUM: "the stored bytes do not have the announced CRC-32",
    ErrorCode.NO_PLAN: "no checked plan is loaded",
    ErrorCode.BAD_INDEX: "no input, output or op of that index",
    ErrorCode.BAD_RANGE: "offset and length reach outside the object",
    ErrorCode.INPUT_STALE: "a sent input is incomplete, or the last run overwrote it",
    ErrorCode.ARENA_TOO_SMALL: "the plan needs more arena than the board has left",
    ErrorCode.ARENA_OVERRUN: "a guard byte beside the arena was changed",
    ErrorCode.TOO_MANY_ITERATIONS: "more iterations than the offered max_batch",
    ErrorCode.NO_UPLOAD: "a chunk or an end without a begin",
    ErrorCode.UNSUPPORTED: "the board offers no such feature",
    ErrorCode.STORE_READ_ONLY: "the store holds another plan and is written by a programmer alone",
    ErrorCode.MODEL_TOO_LARGE: "the model is larger than the board takes",
    ErrorCode.MODEL_HASH: "the received bytes do not have the announced SHA-256",
    ErrorCode.MODEL_NAME: "the model's name is empty, too long, no UTF-8 or no mere label",
    ErrorCode.MODEL_REFUSED: "the engine does not load the model",
    ErrorCode.ENGINE_FAILED: "the engine crashed, hung or failed while it had the model",
    ErrorCode.BUNDLE_FORMAT: "the bundle, or its manifest, is not of the form that it must have",
    ErrorCode.BUNDLE_SIZE: "a file of the bundle has not the size that its manifest says",
    ErrorCode.BUNDLE_SIGNATURE: "the bundle is not signed by a key that the agent trusts",
    ErrorCode.BUNDLE_HASH: "a file of the bundle is not the one that was signed",
    ErrorCode.BUNDLE_UNFIT: "the bundle was made for another board, engine or version",
    ErrorCode.BUNDLE_SELF_TEST: "the bundle's model did not answer its test vectors as it must",
    ErrorCode.BUNDLE_ONLY: "the agent takes signed bundles alone",
    ErrorCode.PLAN_MAGIC: "the bytes do not begin with the plan's magic",
    ErrorCode.PLAN_VERSION: "a plan version this runtime does not read",
    ErrorCode.PLAN_SIZE: "the size in the header is not the size of the plan",
    ErrorCode.PLAN_CHECKSUM: "the CRC-32 in the header is not that of the plan",
    ErrorCode.PLAN_TABLE: "a table lies outside the plan",
    ErrorCode.PLAN_ALIGNMENT: "an offset is not aligned as its elements need",
    ErrorCode.PLAN_TENSOR: "a tensor lies outside the arena or contradicts its shape",
    ErrorCode.PLAN_OP_KIND: "an op kind this runtime does not have",
    ErrorCode.PLAN_OP_RECORD: "an op record is cut short or names a tensor that is not there",
    ErrorCode.PLAN_DTYPE: "an op has no kernel for this element type",
    ErrorCode.PLAN_SHAPE: "an op's parameters contradict the sizes of its tensors",
    ErrorCode.PLAN_PARAMETER: "a parameter is outside its range",
    ErrorCode.PLAN_DATA: "weights, biases or a table lie outside the plan",
    ErrorCode.PLAN_SCRATCH: "scratch lies outside the arena",
    ErrorCode.PLAN_LAYOUT: "a weight layout this runtime does not read",
    ErrorCode.PLAN_SELF_TEST: "the plan's output at the start is not its self-test record's",
}
