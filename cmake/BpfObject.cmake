# add_bpf_object(<name> <source>): compiles one .bpf.c with clang and makes <name>.skel.h of it; what links
# <name>_skeleton can include it. The objects are CO-RE: they are built without the headers of any one kernel.
find_program(CLANG NAMES clang clang-19 clang-16 clang-15 clang-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
find_path(LIBBPF_INCLUDE_DIR bpf/bpf_helpers.h REQUIRED)

string(REGEX MATCH "^(x86_64|aarch64|s390x|ppc64le|riscv64)" bpf_processor "${CMAKE_SYSTEM_PROCESSOR}")
set(bpf_arch_x86_64 x86)
set(bpf_arch_aarch64 arm64)
set(bpf_arch_s390x s390)
set(bpf_arch_ppc64le powerpc)
set(bpf_arch_riscv64 riscv)

function(add_bpf_object name source)
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o")
  set(skeleton "${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h")
  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${CLANG}" -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${bpf_arch_${bpf_processor}}
            -Wall -Wextra -Werror -Wno-missing-declarations
            -I "${PROJECT_SOURCE_DIR}/bpf/include" -isystem "${LIBBPF_INCLUDE_DIR}"
            -isystem "/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}"
            -MD -MF "${object}.d" -c "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d" VERBATIM)
  add_custom_command(
    OUTPUT "${skeleton}"
    COMMAND "${BPFTOOL}" gen skeleton "${object}" name ${name} > "${skeleton}"
    DEPENDS "${object}" VERBATIM)
  add_custom_target(${name}_skeleton_files DEPENDS "${skeleton}")
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_skeleton_files)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
