! multigrad: algebraic multigrid solvers for sparse linear systems A x = b, with smoothers that can be trained.
!
! The functions have the names of multigrad.h and take arrays and strings of Fortran: sizes follow from the arrays,
! indices count from 1, strings need no zero byte, results that are not wanted are left out. Every function that
! returns an integer status returns mg_ok = 0 on success; mg_last_error() is the sentence about a failure.
!
! Handles are of type(c_ptr). Vectors are of kind c_double, which is double precision.
!
! The functions with callbacks, mgc_options_set_iteration_callback, mgc_solver_solve_operator and mgc_solver_train, have
! the arguments of C, as all functions of the module multigrad_c; the callbacks have its abstract interfaces.
module multigrad
    use, intrinsic :: iso_c_binding
    use multigrad_c, &
        mg_set_threads => mgc_set_threads, mg_threads => mgc_threads, mg_string_free => mgc_string_free, &
        mg_matrix_rows => mgc_matrix_rows, mg_matrix_columns => mgc_matrix_columns, &
        mg_matrix_entries => mgc_matrix_entries, mg_matrix_free => mgc_matrix_free, &
        mg_options_create => mgc_options_create, mg_options_free => mgc_options_free, &
        mg_options_set_single_precision => mgc_options_set_single_precision, &
        mg_options_set_learning => mgc_options_set_learning, mg_options_set_seed => mgc_options_set_seed, &
        mg_options_set_relative_tolerance => mgc_options_set_relative_tolerance, &
        mg_options_set_absolute_tolerance => mgc_options_set_absolute_tolerance, &
        mg_options_set_initial_guess => mgc_options_set_initial_guess, &
        mg_options_set_least_squares => mgc_options_set_least_squares, &
        mg_options_set_direct_limit => mgc_options_set_direct_limit, &
        mg_options_set_time_limit => mgc_options_set_time_limit, &
        mg_options_set_memory_limit => mgc_options_set_memory_limit, mg_result_free => mgc_result_free, &
        mg_solver_refresh => mgc_solver_refresh, mg_solver_free => mgc_solver_free, &
        mg_solver_rows => mgc_solver_rows, mg_solver_levels => mgc_solver_levels, &
        mg_solver_operator_complexity => mgc_solver_operator_complexity, mg_solver_bytes => mgc_solver_bytes, &
        mg_solver_setup_seconds => mgc_solver_setup_seconds, mg_solver_is_symmetric => mgc_solver_is_symmetric, &
        mg_solver_condition => mgc_solver_condition
    implicit none
    public

    private :: string, given, place, take

    ! status = mg_matrix_create(row_pointers, column_indices, values, matrix [, columns]): CSR arrays whose indices
    ! count from 1. The matrix is square unless columns is given.
    interface mg_matrix_create
        module procedure create_i32, create_i64
    end interface

    ! status = mg_matrix_create_triplets(rows, columns, row_indices, column_indices, values, matrix)
    interface mg_matrix_create_triplets
        module procedure create_triplets_i32, create_triplets_i64
    end interface

    ! status = mg_solver_solve(solver, b, x [, options] [, result]): b and x are vectors, or arrays with one right-hand
    ! side in each column.
    interface mg_solver_solve
        module procedure solve_vector, solve_columns
    end interface

    ! As mg_solver_solve, with the transposed matrix.
    interface mg_solver_solve_transposed
        module procedure solve_transposed_vector, solve_transposed_columns
    end interface

    private :: create_i32, create_i64, create_triplets_i32, create_triplets_i64, solve_vector, solve_columns, &
        solve_transposed_vector, solve_transposed_columns

contains

    ! The version of the library.
    function mg_version() result(text)
        character(:), allocatable :: text
        text = string(mgc_version())
    end function

    ! The sentence about the last failure on this thread.
    function mg_last_error() result(text)
        character(:), allocatable :: text
        text = string(mgc_last_error())
    end function

    function create_i32(row_pointers, column_indices, values, matrix, columns) result(status)
        integer(c_int32_t), contiguous, intent(in) :: row_pointers(:), column_indices(:)
        real(c_double), contiguous, intent(in) :: values(:)
        type(c_ptr), intent(inout) :: matrix
        integer, intent(in), optional :: columns
        integer(c_int) :: status
        integer(c_int64_t) :: rows, entries, width
        rows = size(row_pointers, kind=c_int64_t) - 1
        width = rows
        if (present(columns)) width = columns
        entries = min(size(column_indices, kind=c_int64_t), size(values, kind=c_int64_t))
        status = mgc_matrix_create_i32(rows, width, entries, row_pointers, column_indices, values, 1_c_int32_t, matrix)
    end function

    function create_i64(row_pointers, column_indices, values, matrix, columns) result(status)
        integer(c_int64_t), contiguous, intent(in) :: row_pointers(:), column_indices(:)
        real(c_double), contiguous, intent(in) :: values(:)
        type(c_ptr), intent(inout) :: matrix
        integer(c_int64_t), intent(in), optional :: columns
        integer(c_int) :: status
        integer(c_int64_t) :: rows, entries, width
        rows = size(row_pointers, kind=c_int64_t) - 1
        width = rows
        if (present(columns)) width = columns
        entries = min(size(column_indices, kind=c_int64_t), size(values, kind=c_int64_t))
        status = mgc_matrix_create_i64(rows, width, entries, row_pointers, column_indices, values, 1_c_int32_t, matrix)
    end function

    function create_triplets_i32(rows, columns, row_indices, column_indices, values, matrix) result(status)
        integer(c_int32_t), intent(in) :: rows, columns
        integer(c_int32_t), contiguous, intent(in) :: row_indices(:), column_indices(:)
        real(c_double), contiguous, intent(in) :: values(:)
        type(c_ptr), intent(inout) :: matrix
        integer(c_int) :: status
        integer(c_int64_t) :: entries
        entries = min(size(row_indices, kind=c_int64_t), size(column_indices, kind=c_int64_t), &
            size(values, kind=c_int64_t))
        status = mgc_matrix_create_triplets_i32(int(rows, c_int64_t), int(columns, c_int64_t), entries, row_indices, &
            column_indices, values, 1_c_int32_t, matrix)
    end function

    function create_triplets_i64(rows, columns, row_indices, column_indices, values, matrix) result(status)
        integer(c_int64_t), intent(in) :: rows, columns
        integer(c_int64_t), contiguous, intent(in) :: row_indices(:), column_indices(:)
        real(c_double), contiguous, intent(in) :: values(:)
        type(c_ptr), intent(inout) :: matrix
        integer(c_int) :: status
        integer(c_int64_t) :: entries
        entries = min(size(row_indices, kind=c_int64_t), size(column_indices, kind=c_int64_t), &
            size(values, kind=c_int64_t))
        status = mgc_matrix_create_triplets_i64(rows, columns, entries, row_indices, column_indices, values, &
            1_c_int32_t, matrix)
    end function

    ! y = A x.
    function mg_matrix_multiply(matrix, x, y) result(status)
        type(c_ptr), intent(in) :: matrix
        real(c_double), contiguous, intent(in) :: x(:)
        real(c_double), contiguous, intent(inout) :: y(:)
        integer(c_int) :: status
        status = mgc_matrix_multiply(matrix, size(x, kind=c_int64_t), x, size(y, kind=c_int64_t), y)
    end function

    function mg_options_set_setup(options, name) result(status)
        type(c_ptr), intent(in) :: options
        character(*), intent(in) :: name
        integer(c_int) :: status
        status = mgc_options_set_setup(options, trim(name) // c_null_char)
    end function

    function mg_options_set_smoother(options, name) result(status)
        type(c_ptr), intent(in) :: options
        character(*), intent(in) :: name
        integer(c_int) :: status
        status = mgc_options_set_smoother(options, trim(name) // c_null_char)
    end function

    function mg_options_set_cycle(options, kind, sweeps_before, sweeps_after) result(status)
        type(c_ptr), intent(in) :: options
        character(*), intent(in) :: kind
        integer, intent(in) :: sweeps_before, sweeps_after
        integer(c_int) :: status
        status = mgc_options_set_cycle(options, trim(kind) // c_null_char, int(sweeps_before, c_int64_t), &
            int(sweeps_after, c_int64_t))
    end function

    function mg_options_set_krylov(options, name) result(status)
        type(c_ptr), intent(in) :: options
        character(*), intent(in) :: name
        integer(c_int) :: status
        status = mgc_options_set_krylov(options, trim(name) // c_null_char)
    end function

    function mg_options_set_max_iterations(options, iterations) result(status)
        type(c_ptr), intent(in) :: options
        integer, intent(in) :: iterations
        integer(c_int) :: status
        status = mgc_options_set_max_iterations(options, int(iterations, c_int64_t))
    end function

    function mg_options_set_restart(options, iterations) result(status)
        type(c_ptr), intent(in) :: options
        integer, intent(in) :: iterations
        integer(c_int) :: status
        status = mgc_options_set_restart(options, int(iterations, c_int64_t))
    end function

    ! One candidate in each column.
    function mg_options_set_near_nullspace(options, candidates) result(status)
        type(c_ptr), intent(in) :: options
        real(c_double), contiguous, intent(in) :: candidates(:, :)
        integer(c_int) :: status
        status = mgc_options_set_near_nullspace(options, size(candidates, 1, kind=c_int64_t), &
            size(candidates, 2, kind=c_int64_t), candidates)
    end function

    ! The coordinates of a node in each column.
    function mg_options_set_rigid_body_modes(options, coordinates) result(status)
        type(c_ptr), intent(in) :: options
        real(c_double), contiguous, intent(in) :: coordinates(:, :)
        integer(c_int) :: status
        status = mgc_options_set_rigid_body_modes(options, size(coordinates, 2, kind=c_int64_t), &
            size(coordinates, 1, kind=c_int64_t), coordinates)
    end function

    function mg_solver_create(matrix, solver, options) result(status)
        type(c_ptr), intent(in) :: matrix
        type(c_ptr), intent(inout) :: solver
        type(c_ptr), intent(in), optional :: options
        integer(c_int) :: status
        status = mgc_solver_create(matrix, given(options), solver)
    end function

    function solve_vector(solver, b, x, options, result) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: b(:)
        real(c_double), contiguous, intent(inout) :: x(:)
        type(c_ptr), intent(in), optional :: options
        type(c_ptr), intent(inout), optional :: result
        integer(c_int) :: status
        integer(c_int64_t) :: n
        n = min(size(b, kind=c_int64_t), size(x, kind=c_int64_t))
        status = mgc_solver_solve(solver, n, b, x, given(options), result)
    end function

    function solve_columns(solver, b, x, options, result) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: b(:, :)
        real(c_double), contiguous, intent(inout) :: x(:, :)
        type(c_ptr), intent(in), optional :: options
        type(c_ptr), intent(inout), optional :: result
        integer(c_int) :: status
        integer(c_int64_t) :: n, columns
        ! Arrays of different shapes have no common size, which the library refuses.
        n = merge(size(b, 1, kind=c_int64_t), -1_c_int64_t, size(b, 1) == size(x, 1))
        columns = merge(size(b, 2, kind=c_int64_t), -1_c_int64_t, size(b, 2) == size(x, 2))
        status = mgc_solver_solve_block(solver, n, columns, b, x, given(options), result)
    end function

    function solve_transposed_vector(solver, b, x, options, result) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: b(:)
        real(c_double), contiguous, intent(inout) :: x(:)
        type(c_ptr), intent(in), optional :: options
        type(c_ptr), intent(inout), optional :: result
        integer(c_int) :: status
        integer(c_int64_t) :: n
        n = min(size(b, kind=c_int64_t), size(x, kind=c_int64_t))
        status = mgc_solver_solve_transposed(solver, n, 1_c_int64_t, b, x, given(options), result)
    end function

    function solve_transposed_columns(solver, b, x, options, result) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: b(:, :)
        real(c_double), contiguous, intent(inout) :: x(:, :)
        type(c_ptr), intent(in), optional :: options
        type(c_ptr), intent(inout), optional :: result
        integer(c_int) :: status
        integer(c_int64_t) :: n, columns
        n = merge(size(b, 1, kind=c_int64_t), -1_c_int64_t, size(b, 1) == size(x, 1))
        columns = merge(size(b, 2, kind=c_int64_t), -1_c_int64_t, size(b, 2) == size(x, 2))
        status = mgc_solver_solve_transposed(solver, n, columns, b, x, given(options), result)
    end function

    ! z = M r, or z = transpose(M) r.
    function mg_solver_precondition(solver, r, z, transposed) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: r(:)
        real(c_double), contiguous, intent(inout) :: z(:)
        logical, intent(in), optional :: transposed
        integer(c_int) :: status
        integer(c_int64_t) :: n
        logical :: flipped
        n = min(size(r, kind=c_int64_t), size(z, kind=c_int64_t))
        flipped = .false.
        if (present(transposed)) flipped = transposed
        if (flipped) then
            status = mgc_solver_precondition_transposed(solver, n, r, z)
        else
            status = mgc_solver_precondition(solver, n, r, z)
        end if
    end function

    function mg_solver_refresh_values(solver, values) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: values(:)
        integer(c_int) :: status
        status = mgc_solver_refresh_values(solver, size(values, kind=c_int64_t), values)
    end function

    function mg_solver_save(solver, path) result(status)
        type(c_ptr), intent(in) :: solver
        character(*), intent(in) :: path
        integer(c_int) :: status
        status = mgc_solver_save(solver, trim(path) // c_null_char)
    end function

    function mg_solver_load(path, matrix, solver, options) result(status)
        character(*), intent(in) :: path
        type(c_ptr), intent(in) :: matrix
        type(c_ptr), intent(inout) :: solver
        type(c_ptr), intent(in), optional :: options
        integer(c_int) :: status
        status = mgc_solver_load(trim(path) // c_null_char, matrix, given(options), solver)
    end function

    ! The description of a solver; an empty string after an error.
    function mg_solver_describe(solver) result(text)
        type(c_ptr), intent(in) :: solver
        character(:), allocatable :: text
        type(c_ptr) :: own
        integer(c_int) :: status
        own = c_null_ptr
        status = mgc_solver_describe(solver, own)
        if (status /= mg_ok) own = c_null_ptr
        text = take(own)
        ! The last line ends without a line feed, as write adds one.
        if (len(text) > 0) text = text(:len(text) - 1)
    end function

    function mg_solver_forward_error(solver, x, b, error) result(status)
        type(c_ptr), intent(in) :: solver
        real(c_double), contiguous, intent(in) :: x(:), b(:)
        real(c_double), intent(out) :: error
        integer(c_int) :: status
        status = mgc_solver_forward_error(solver, min(size(x, kind=c_int64_t), size(b, kind=c_int64_t)), x, b, error)
    end function

    ! Trains for a number of solves to come.
    function mg_solver_train(solver, solves, options, report) result(status)
        type(c_ptr), intent(in) :: solver
        integer, intent(in) :: solves
        type(c_ptr), intent(in), optional :: options
        character(:), allocatable, intent(out), optional :: report
        integer(c_int) :: status
        type(c_ptr) :: own
        own = c_null_ptr
        if (present(report)) then
            status = mgc_solver_train(solver, int(solves, c_int64_t), given(options), c_null_funptr, c_null_ptr, own)
            report = take(own)
        else
            status = mgc_solver_train(solver, int(solves, c_int64_t), given(options), c_null_funptr, c_null_ptr)
        end if
    end function

    ! Trains by a number of gradient steps.
    function mg_solver_train_steps(solver, steps, options, report) result(status)
        type(c_ptr), intent(in) :: solver
        integer, intent(in) :: steps
        type(c_ptr), intent(in), optional :: options
        character(:), allocatable, intent(out), optional :: report
        integer(c_int) :: status
        type(c_ptr) :: own
        own = c_null_ptr
        if (present(report)) then
            status = mgc_solver_train_steps(solver, int(steps, c_int64_t), given(options), own)
            report = take(own)
        else
            status = mgc_solver_train_steps(solver, int(steps, c_int64_t), given(options))
        end if
    end function

    ! Number of right-hand sides of a result.
    function mg_result_columns(result) result(columns)
        type(c_ptr), intent(in) :: result
        integer :: columns
        columns = int(mgc_result_columns(result))
    end function

    ! Whether the solve for a column, counted from 1 and the first by default, has converged.
    function mg_result_converged(result, column) result(converged)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        logical :: converged
        converged = mgc_result_converged(result, place(column)) == 1
    end function

    function mg_result_iterations(result, column) result(iterations)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        integer :: iterations
        iterations = int(mgc_result_iterations(result, place(column)))
    end function

    function mg_result_relative_residual(result, column) result(residual)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        real(c_double) :: residual
        residual = mgc_result_relative_residual(result, place(column))
    end function

    function mg_result_backward_error(result, column) result(error)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        real(c_double) :: error
        error = mgc_result_backward_error(result, place(column))
    end function

    function mg_result_seconds(result, column) result(seconds)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        real(c_double) :: seconds
        seconds = mgc_result_seconds(result, place(column))
    end function

    ! The relative residuals at the start and after every iteration.
    function mg_result_history(result, column) result(history)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        real(c_double), allocatable :: history(:)
        real(c_double), pointer :: own(:)
        type(c_ptr) :: first
        integer(c_int64_t) :: count
        allocate (history(0))
        first = mgc_result_history(result, place(column), count)
        if (.not. c_associated(first)) return
        call c_f_pointer(first, own, [count])
        history = own
    end function

    function mg_result_status_text(result, column) result(text)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        character(:), allocatable :: text
        text = string(mgc_result_status_text(result, place(column)))
    end function

    function mg_result_advice(result, column) result(text)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        character(:), allocatable :: text
        text = string(mgc_result_advice(result, place(column)))
    end function

    function mg_result_text(result, column) result(text)
        type(c_ptr), intent(in) :: result
        integer, intent(in), optional :: column
        character(:), allocatable :: text
        text = string(mgc_result_text(result, place(column)))
    end function

    ! A string of C as one of Fortran.
    function string(text) result(copy)
        type(c_ptr), intent(in) :: text
        character(:), allocatable :: copy
        character(kind=c_char), pointer :: bytes(:)
        integer(c_int64_t) :: length, i
        interface
            function strlen(text) bind(c) result(length)
                import :: c_ptr, c_size_t
                type(c_ptr), value :: text
                integer(c_size_t) :: length
            end function
        end interface
        copy = ''
        if (.not. c_associated(text)) return
        length = int(strlen(text), c_int64_t)
        call c_f_pointer(text, bytes, [length])
        deallocate (copy)
        allocate (character(length) :: copy)
        do i = 1, length
            copy(i:i) = bytes(i)
        end do
    end function

    ! As string, and frees the string of C.
    function take(text) result(copy)
        type(c_ptr), intent(inout) :: text
        character(:), allocatable :: copy
        integer(c_int) :: status
        copy = string(text)
        status = mg_string_free(text)
        if (status /= mg_ok) copy = ''
    end function

    ! The handle of optional options.
    function given(options) result(handle)
        type(c_ptr), intent(in), optional :: options
        type(c_ptr) :: handle
        handle = c_null_ptr
        if (present(options)) handle = options
    end function

    ! The place of an optional column, counted from 0.
    function place(column) result(index)
        integer, intent(in), optional :: column
        integer(c_int64_t) :: index
        index = 0
        if (present(column)) index = int(column, c_int64_t) - 1
    end function
end module
