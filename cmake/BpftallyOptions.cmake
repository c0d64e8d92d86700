# Compiler and linker options of all our targets, but not of vendor targets.
add_library(bpftally_options INTERFACE)
target_compile_features(bpftally_options INTERFACE cxx_std_23)
target_include_directories(bpftally_options INTERFACE "${PROJECT_SOURCE_DIR}/src")
if(BPFTALLY_SANITIZE)
  # RE2 asks for it, and a precompiled header is for one set of flags.
  target_compile_options(bpftally_options INTERFACE -pthread)
endif()
target_compile_options(bpftally_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual>)
if(BPFTALLY_WERROR)
  target_compile_options(bpftally_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The optimizer guesses in these two warnings, and each version of g++ guesses wrong somewhere else.
  target_compile_options(bpftally_options INTERFACE -Wno-error=maybe-uninitialized -Wno-error=restrict)
else()
  # Caused by libstdc++ 12's own stable_sort.
  target_compile_options(bpftally_options INTERFACE -Wno-deprecated-declarations)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(bpftally_options INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  target_link_options(bpftally_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(BPFTALLY_SANITIZE)
  target_compile_options(bpftally_options INTERFACE
    -fsanitize=${BPFTALLY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(bpftally_options INTERFACE -fsanitize=${BPFTALLY_SANITIZE})
  # g++ and clang have different macros for this. A few tests measure sizes that a sanitizer multiplies.
  target_compile_definitions(bpftally_options INTERFACE BPFTALLY_SANITIZED)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With its own instrumentation g++ cannot follow std::expected and reports members as uninitialized. The sanitizer
    # finds the real cases.
    target_compile_options(bpftally_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(BPFTALLY_COVERAGE)
  target_compile_options(bpftally_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(bpftally_options INTERFACE --coverage)
endif()

# bpftally_precompile(<target> <group> [<header>…]): the headers of others that most sources include are compiled once
# for all targets of a group. That takes 40 % from the time of clang's sanitizer builds. It also hides an include that a
# source lacks, so src/ has it in those builds alone: the others find what is missing.
function(bpftally_precompile target group)
  get_property(first GLOBAL PROPERTY BPFTALLY_FIRST_OF_${group})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
    return()
  endif()
  set_property(GLOBAL PROPERTY BPFTALLY_FIRST_OF_${group} ${target})
  if(NOT BPFTALLY_SANITIZE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <chrono> <cstdint> <expected> <filesystem> <fstream> <functional> <map> <memory> <mutex>
    <optional> <ranges> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <fmt/ranges.h> <spdlog/spdlog.h> ${ARGN})
endfunction()

# bpftally_layer(<name> SOURCES … [LIBRARIES …]): builds one folder of src as a static library.
function(bpftally_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(bpftally_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(bpftally_${name} PUBLIC bpftally_options ${ARG_LIBRARIES})
  if(BPFTALLY_SANITIZE)
    target_link_libraries(bpftally_${name} PRIVATE spdlog::spdlog fmt::fmt)
    bpftally_precompile(bpftally_${name} layers)
  endif()
endfunction()
