"""Counts through several dimensions."""


def offsets(dims, strides):
    """The strided offset of every index below ``dims``, innermost last."""
    index = [0] * len(dims)
    offset = 0
    while True:
        yield offset
        axis = len(dims)
        while True:
            if axis == 0:
                return
            axis -= 1
            index[axis] += 1
            offset += strides[axis]
            if index[axis] < dims[axis]:
                break
            offset -= dims[axis] * strides[axis]
            index[axis] = 0
