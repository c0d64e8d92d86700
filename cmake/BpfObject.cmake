# The objects are CO-RE: building them needs no kernel headers.
find_program(CLANG NAMES clang clang-19 clang-16 clang-15 clang-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
find_path(LIBBPF_INCLUDE_DIR bpf/bpf_helpers.h REQUIRED)

string(REGEX MATCH "^(x86_64|aarch64|s390x|ppc64le|riscv64)" bpf_processor "${CMAKE_SYSTEM_PROCESSOR}")
set(bpf_arch_x86_64 x86)
set(bpf_arch_aarch64 arm64)
set(bpf_arch_s390x s390)
set(bpf_arch_ppc64le powerpc)
set(bpf_arch_riscv64 riscv)

# compile_bpf(<object> <source> [flag…]): compiles one .bpf.c with clang.
function(compile_bpf object source)
  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${CLANG}" -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${bpf_arch_${bpf_processor}}
            -Wall -Wextra -Werror -Wno-missing-declarations -Wno-unused-parameter  # a hook's parameters are fixed
            ${ARGN}
            -I "${PROJECT_SOURCE_DIR}/bpf/include" -isystem "${LIBBPF_INCLUDE_DIR}"
            -isystem "/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}"
            -MD -MF "${object}.d" -c "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d" VERBATIM)
endfunction()

# add_bpf_object(<name> <source>): makes <name>.skel.h, which targets that link <name>_skeleton can include.
function(add_bpf_object name source)
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o")
  set(skeleton "${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h")
  compile_bpf("${object}" "${source}")
  add_custom_command(
    OUTPUT "${skeleton}"
    COMMAND "${BPFTOOL}" gen skeleton "${object}" name ${name} > "${skeleton}"
    DEPENDS "${object}" VERBATIM)
  add_custom_target(${name}_skeleton_files DEPENDS "${skeleton}")
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_skeleton_files)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()

# add_metric_programs(<target> <name>…): compiles programs/<name>.bpf.c next to programs/<name>.yaml and installs both.
function(add_metric_programs target)
  set(files)
  foreach(name ${ARGN})
    set(object "${CMAKE_CURRENT_BINARY_DIR}/programs/${name}.bpf.o")
    set(config "${CMAKE_CURRENT_BINARY_DIR}/programs/${name}.yaml")
    compile_bpf("${object}" "programs/${name}.bpf.c")
    add_custom_command(
      OUTPUT "${config}"
      COMMAND "${CMAKE_COMMAND}" -E copy "${CMAKE_CURRENT_SOURCE_DIR}/programs/${name}.yaml" "${config}"
      DEPENDS "programs/${name}.yaml" VERBATIM)
    list(APPEND files "${object}" "${config}")
  endforeach()
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/programs")
  add_custom_target(${target} ALL DEPENDS ${files})
  install(FILES ${files} DESTINATION "${CMAKE_INSTALL_DATADIR}/bpftally/programs")
endfunction()
