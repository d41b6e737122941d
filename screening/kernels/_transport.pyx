"""Compiled polychromatic transmission; the checks are in transport.py."""


cdef extern from "transport.h" nogil:
    enum:
        SCREENING_TRANSPORT_CHUNK

    void screening_transmit(
        const float *planes, Py_ssize_t n_material, Py_ssize_t stride, const double *mu,
        const double *weight, Py_ssize_t n_bin, float *out, Py_ssize_t n
    ) noexcept


def transmit(
    const float[:, ::1] planes not None,
    *,
    const double[:, ::1] mu_cm2_g not None,
    const double[::1] weight not None,
    float[::1] out not None,
):
    cdef:
        Py_ssize_t n_material = planes.shape[0], n_pixel = planes.shape[1], start = 0
        Py_ssize_t chunk = SCREENING_TRANSPORT_CHUNK
    with nogil:
        while start < n_pixel:
            screening_transmit(
                &planes[0, start], n_material, n_pixel, &mu_cm2_g[0, 0], &weight[0], weight.shape[0],
                &out[start], min(chunk, n_pixel - start)
            )
            start += chunk
