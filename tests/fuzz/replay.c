/* A main for fuzz targets without libFuzzer: each file of the command line is one input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int count, char **paths)
{
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(paths[i], "rb");
        uint8_t *data = malloc(1 << 20);
        if (!file || !data) {
            fprintf(stderr, "cannot read %s\n", paths[i]);
            return 2;
        }
        size_t size = fread(data, 1, 1 << 20, file);
        fclose(file);
        uint8_t *exact = realloc(data, size ? size : 1); /* so that reading past it is seen */
        fprintf(stderr, "%s\n", paths[i]);
        LLVMFuzzerTestOneInput(exact ? exact : data, size);
        free(exact ? exact : data);
    }
    return 0;
}
