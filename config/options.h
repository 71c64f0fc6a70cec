/* options.h: the one table of options. The struct, the file parser, the environment, the flags, --help and the sample file all come from it,
 * so adding an option is adding a row here and using config->name.
 *
 * X(name, KIND, fallback, lo, hi, form, live, help)
 *   name      the field, the key in the file; --name with dashes is the flag, FORECASTD_NAME the environment variable
 *   KIND      LISTEN ADDRESS:PORT on loopback; PATH a file name; COUNT a whole number; BYTES a size such as 64MiB; CHOICE one of the words in form
 *   fallback  the default, written as a user would write it
 *   lo, hi    limits of COUNT and BYTES, both allowed; 0, 0 for the other kinds
 *   form      what --help shows for the value; for CHOICE the words, separated by |, whose index is the value
 *   live      true: SIGHUP applies a change at once; false: a change waits for the next start
 *   help      one line */
#ifndef FC_OPTIONS_H
#define FC_OPTIONS_H

#define FC_OPTION_TABLE(X) \
    X(listen, LISTEN, "127.0.0.1:8077", 0, 0, "ADDRESS:PORT", false, "where to serve: a loopback address; port 0 takes a free port") \
    X(database, PATH, "forecastd.db", 0, 0, "FILE", false, "the SQLite file that holds everything; made when it is new") \
    X(workers, COUNT, "0", 0, 256, "N", false, "training lanes, shared by the running jobs; 0 means one for each core") \
    X(request_workers, COUNT, "4", 1, 64, "N", false, "threads for requests that read the disk or compute a forecast") \
    X(log_level, CHOICE, "info", 0, 0, "error|warn|info|debug", true, "the least important lines that are still written to stderr") \
    X(log_format, CHOICE, "logfmt", 0, 0, "logfmt|json", false, "how a log line is written") \
    X(body_limit, BYTES, "64MiB", 1024, 1073741824, "SIZE", false, "the largest request body, counted after it was inflated") \
    X(queue_limit, COUNT, "1000", 1, 100000, "N", false, "training jobs that may wait; more are refused with 429") \
    X(max_horizon, COUNT, "10000", 1, 10000, "N", false, "the longest forecast that a request or a model may ask for, in steps")

/* Flags that take no value: Y(ACTION, flag, help). All but CHECK print something and read nothing else. */
#define FC_ACTION_TABLE(Y) \
    Y(CHECK, "check-config", "say whether the configuration is good, print it and exit") \
    Y(SAMPLE, "sample-config", "print a configuration file to start from and exit") \
    Y(VERSION, "version", "print the version and exit") \
    Y(HELP, "help", "print this and exit")

#endif
