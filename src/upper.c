/* upper.c: names the archive of what the binary has beyond the library (lab files, scripts, the launcher). */
extern const char upper_version[];
const char upper_version[] = "0.1.0";
