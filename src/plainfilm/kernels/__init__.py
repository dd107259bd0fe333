# SPDX-License-Identifier: MIT
"""The loops over all pixels of an image, in C and in NumPy. Both give the same results, bit for bit.

    core.c, core.h    the module `core`: the checks of its arguments, and the functions below
    histogram.c       count the values of samples                      oracle: NumPy and OpenCV
    scanlines.c       look up levels, and filter rows for PNG          oracle: encode/scanlines.py, levels.py
    deflate.c         compress filtered rows                           oracle: any inflater
    area.c            shrink an image by exact means                   oracle: area.py
    lossless.c        decode a lossless JPEG scan and prove it whole   oracle: libjpeg-turbo

The C files are compiled when plainfilm is installed where there is a C compiler. Without them (`HAS_CORE` is false) the
other libraries do their work. The C functions never read or write outside their memory, whatever their input is, also
where a buffer changes during a call; trials/fuzz/kernels.py runs them under sanitizers.
"""

try:
    from plainfilm.kernels import core as core
except ImportError:
    HAS_CORE = False
else:
    HAS_CORE = True
