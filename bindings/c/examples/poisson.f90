! Solves the Poisson equation -u_xx - u_yy = f on the unit square with u = 0 on the boundary, by five-point differences
! on m x m points. f is chosen so that u = x (1 - x) y (1 - y), which the differences reproduce exactly. A second solve
! has two right-hand sides and options, a third one new values of the matrix.
program poisson
    use multigrad
    implicit none
    integer, parameter :: m = 200, n = m * m
    real(c_double), parameter :: h = 1.0_c_double / (m + 1)
    integer(c_int32_t), allocatable :: row_pointers(:), columns(:)
    real(c_double), allocatable :: values(:), exact(:), b(:), x(:), bb(:, :), xx(:, :)
    type(c_ptr) :: matrix, solver, options, result
    integer(c_int32_t) :: i, j, k, entries
    real(c_double) :: s, t, worst

    allocate (row_pointers(n + 1), columns(5 * n), values(5 * n), exact(n), b(n), x(n), bb(n, 2), xx(n, 2))
    entries = 0
    do j = 1, m
        do i = 1, m
            k = i + (j - 1) * m
            s = i * h
            t = j * h
            row_pointers(k) = entries + 1
            if (j > 1) call add(k - m, -1.0_c_double)
            if (i > 1) call add(k - 1, -1.0_c_double)
            call add(k, 4.0_c_double)
            if (i < m) call add(k + 1, -1.0_c_double)
            if (j < m) call add(k + m, -1.0_c_double)
            exact(k) = s * (1 - s) * t * (1 - t)
            b(k) = 2 * h**2 * (s * (1 - s) + t * (1 - t))
        end do
    end do
    row_pointers(n + 1) = entries + 1

    call check(mg_matrix_create(row_pointers, columns(:entries), values(:entries), matrix))
    call check(mg_solver_create(matrix, solver))
    write (*, '(a)') mg_solver_describe(solver)
    call check(mg_solver_solve(solver, b, x, result=result))
    write (*, '(a)') mg_result_text(result)
    call check(mg_result_free(result))
    worst = maxval(abs(x - exact))

    ! Two right-hand sides, and a smaller tolerance.
    call check(mg_options_create(options))
    call check(mg_options_set_relative_tolerance(options, 1e-11_c_double))
    bb(:, 1) = b
    bb(:, 2) = -3 * b
    call check(mg_solver_solve(solver, bb, xx, options, result))
    write (*, '(a, 2i4)') 'iterations: ', mg_result_iterations(result, 1), mg_result_iterations(result, 2)
    call check(mg_result_free(result))
    worst = max(worst, maxval(abs(xx(:, 1) - exact)), maxval(abs(xx(:, 2) + 3 * exact)))

    ! The equation -u_xx - u_yy + u / h**2 = f + u / h**2: other values in the same places.
    where (values(:entries) > 0) values(:entries) = values(:entries) + 1
    call check(mg_solver_refresh_values(solver, values(:entries)))
    call check(mg_solver_solve(solver, b + exact, x, options))
    worst = max(worst, maxval(abs(x - exact)))
    write (*, '(a, es9.2)') 'largest error: ', worst

    ! An error has a sentence.
    if (mg_solver_solve(solver, b(:10), x(:10)) /= mg_dimension) error stop 'a wrong size was accepted'
    write (*, '(a)') 'a wrong size: ' // mg_last_error()

    call check(mg_options_free(options))
    call check(mg_solver_free(solver))
    call check(mg_matrix_free(matrix))
    if (worst > 1e-7_c_double) error stop 'the error is too large'

contains

    ! Appends an entry to the present row.
    subroutine add(column, value)
        integer(c_int32_t), intent(in) :: column
        real(c_double), intent(in) :: value
        entries = entries + 1
        columns(entries) = column
        values(entries) = value
    end subroutine

    ! Stops with the sentence about a failed call.
    subroutine check(status)
        integer(c_int), intent(in) :: status
        if (status == mg_ok) return
        write (*, '(a)') mg_last_error()
        error stop 1
    end subroutine
end program
