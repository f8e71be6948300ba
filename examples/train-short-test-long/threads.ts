/** To be imported before mlx-js: OpenBLAS, under Linux, reads this once, when it is loaded. */

// The products here are small. On two idle cores a second thread makes training
// a fifth faster; where another program runs, its waiting makes it four times
// slower. And one thread adds in one order, whatever the number of cores.
process.env["OPENBLAS_NUM_THREADS"] ??= "1";
