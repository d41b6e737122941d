"""Compiled fan-beam tracer; the checks are in fan.py."""

from libc.stdint cimport int32_t

import numpy as np


cdef extern from "fan.h" nogil:
    enum:
        SCREENING_UPRIGHT

    ctypedef struct screening_body:
        double centre[3]
        double inverse[9]

    double screening_upright_chord(double slope, double x0, double x1, double z0, double z1) noexcept
    void screening_add_outer(float *row, const float *cover, float thickness, Py_ssize_t n) noexcept
    void screening_add_row(
        float *row, const double *y, Py_ssize_t n_column, int kind, const screening_body *body,
        double density, double distance, double height, double skew,
        const double *slope, Py_ssize_t n_slope, const double *shift, Py_ssize_t n_shift
    ) noexcept
    void screening_cut(
        const double *v[3], double y, double distance, double height, double sign_x, double sign_z,
        double x_centre, double weight, double skew, const double *slope, Py_ssize_t n_slope, Py_ssize_t n_sub,
        double *column
    ) noexcept


cdef extern from "math.h" nogil:
    double sqrt(double x) noexcept


def trace_bodies(
    float[:, :, ::1] planes not None,
    *,
    const int32_t[:, ::1] bodies not None,
    const double[:, ::1] shapes not None,
    const double[:, ::1] profiles not None,
    const double[::1] row_z_m not None,
    const double[::1] column_y_m not None,
    double row_pitch_m,
    double column_pitch_m,
    double source_distance_m,
    double source_height_m,
    double skew,
):
    cdef:
        Py_ssize_t n_body = bodies.shape[0], b, i, j, n_ray, n_shift, row0, row1, col0, col1
        int kind
        double density, slope, half, x0, x1, y0, y1, z0, z1, total, low, high
        double[::1] rays = np.empty(64)
        double[::1] shift = np.empty(64)
        float[::1] cover = np.empty(max(column_y_m.shape[0], 1), np.float32)
        screening_body body
    if n_body == 0 or row_z_m.shape[0] == 0 or column_y_m.shape[0] == 0:
        return
    with nogil:
        for b in range(n_body):
            kind = bodies[b, 0]
            row0, col0, row1, col1 = bodies[b, 5], bodies[b, 6], bodies[b, 7], bodies[b, 8]
            if row0 >= row1 or col0 >= col1:
                continue
            density = 100 * shapes[b, 0]
            for i in range(3):
                body.centre[i] = shapes[b, 1 + i]
            for i in range(9):
                body.inverse[i] = shapes[b, 4 + i]
            n_ray, n_shift = bodies[b, 3], bodies[b, 4]
            if kind != SCREENING_UPRIGHT:
                for j in range(n_shift):
                    shift[j] = ((j + 0.5) / n_shift - 0.5) * column_pitch_m
                for i in range(row0, row1):
                    for j in range(n_ray):
                        rays[j] = (
                            row_z_m[i] + ((j + 0.5) / n_ray - 0.5) * row_pitch_m - source_height_m
                        ) / source_distance_m
                    screening_add_row(
                        &planes[bodies[b, 1], i, col0], &column_y_m[col0], col1 - col0, kind, &body, density,
                        source_distance_m, source_height_m, skew, &rays[0], n_ray, &shift[0], n_shift
                    )
                continue
            half = 1 / body.inverse[4]
            y0 = body.centre[1] - skew * body.centre[0] - half
            y1 = body.centre[1] - skew * body.centre[0] + half
            for i in range(col0, col1):
                low = max(column_y_m[i] - column_pitch_m / 2, y0)
                high = min(column_y_m[i] + column_pitch_m / 2, y1)
                total = min(max((high - low) / column_pitch_m, 0), 1)
                if bodies[b, 2] >= 0:
                    total = total * profiles[bodies[b, 2], i]
                cover[i] = <float> total
            half = 1 / body.inverse[0]
            x0 = body.centre[0] - half + source_distance_m
            x1 = body.centre[0] + half + source_distance_m
            half = 1 / body.inverse[8]
            z0 = body.centre[2] - half - source_height_m
            z1 = body.centre[2] + half - source_height_m
            for i in range(row0, row1):
                total = 0
                for j in range(n_ray):
                    slope = (
                        row_z_m[i] + ((j + 0.5) / n_ray - 0.5) * row_pitch_m - source_height_m
                    ) / source_distance_m
                    total += sqrt(1 + slope * slope + skew * skew) * screening_upright_chord(
                        slope, x0, x1, z0, z1
                    )
                if total > 0:
                    screening_add_outer(
                        &planes[bodies[b, 1], i, col0], &cover[col0], <float> (density * total / n_ray),
                        col1 - col0
                    )


def trace_mesh(
    float[:, ::1] plane not None,
    *,
    const double[:, ::1] vertices_m not None,
    const int32_t[:, ::1] triangles not None,
    double density_g_cm3,
    Py_ssize_t n_sub,
    window not None,
    const double[::1] row_z_m not None,
    const double[::1] column_y_m not None,
    double row_pitch_m,
    double column_pitch_m,
    double source_distance_m,
    double source_height_m,
    double skew,
):
    cdef:
        Py_ssize_t row0 = window[0], col0 = window[1], row1 = window[2], col1 = window[3]
        Py_ssize_t n_row = row1 - row0, n_column = col1 - col0, t, i, j, a, b, c, left, right, middle
        Py_ssize_t count = 0
        double weight = 100 * density_g_cm3 / (n_sub * n_sub), x_centre = 0, nx, nz, y, shift
        bint is_rising
        double[::1] slope
        double[:, ::1] sums
        const double *v[3]
        const double *corner[3]
    if n_row <= 0 or n_column <= 0 or triangles.shape[0] == 0:
        return
    slope = np.empty(n_row * n_sub)
    sums = np.zeros((n_column, n_row))
    with nogil:
        is_rising = column_y_m.shape[0] < 2 or column_y_m[1] > column_y_m[0]
        for i in range(vertices_m.shape[0]):
            x_centre += vertices_m[i, 0]
            count += 1
        x_centre = x_centre / count
        for i in range(n_row):
            for j in range(n_sub):
                slope[i * n_sub + j] = (
                    row_z_m[row0 + i] + (0.5 - (j + 0.5) / n_sub) * row_pitch_m - source_height_m
                ) / source_distance_m
        for t in range(triangles.shape[0]):
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            corner[0], corner[1], corner[2] = &vertices_m[a, 0], &vertices_m[b, 0], &vertices_m[c, 0]
            nx = (corner[1][1] - corner[0][1]) * (corner[2][2] - corner[0][2]) - (
                corner[1][2] - corner[0][2]) * (corner[2][1] - corner[0][1])
            nz = (corner[1][0] - corner[0][0]) * (corner[2][1] - corner[0][1]) - (
                corner[1][1] - corner[0][1]) * (corner[2][0] - corner[0][0])
            # by y, equals by number: the same order for every triangle at an edge
            if corner[1][1] < corner[0][1] or (corner[1][1] == corner[0][1] and b < a):
                corner[0], corner[1] = corner[1], corner[0]
                a, b = b, a
            if corner[2][1] < corner[1][1] or (corner[2][1] == corner[1][1] and c < b):
                corner[1], corner[2] = corner[2], corner[1]
                b, c = c, b
                if corner[1][1] < corner[0][1] or (corner[1][1] == corner[0][1] and b < a):
                    corner[0], corner[1] = corner[1], corner[0]
            v[0], v[1], v[2] = corner[0], corner[1], corner[2]
            for j in range(n_sub):
                shift = ((j + 0.5) / n_sub - 0.5) * column_pitch_m
                # first column at or beyond the triangle's least y, in the order of rising y
                left, right = 0, n_column
                while left < right:
                    middle = (left + right) // 2
                    i = col0 + middle if is_rising else col1 - 1 - middle
                    if column_y_m[i] + shift < v[0][1]:
                        left = middle + 1
                    else:
                        right = middle
                while left < n_column:
                    i = col0 + left if is_rising else col1 - 1 - left
                    y = column_y_m[i] + shift
                    if y >= v[2][1]:
                        break
                    screening_cut(
                        v, y, source_distance_m, source_height_m, nx, nz, x_centre, weight,
                        skew, &slope[0], n_row * n_sub, n_sub, &sums[i - col0, 0]
                    )
                    left += 1
        for i in range(n_row):
            for j in range(n_column):
                plane[row0 + i, col0 + j] += <float> sums[j, i]
