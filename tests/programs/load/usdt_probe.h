#pragma once

// Defines a static tracepoint, bpftally_test:passed, with a constant as its one argument. It writes
// the note that systemtap's <sys/sdt.h> would write (version 3), without needing that package.
#define BPFTALLY_TEST_TEXT(x) BPFTALLY_TEST_TEXT_(x)
#define BPFTALLY_TEST_TEXT_(x) #x
#define PASS_USDT_PROBE(constant) \
  asm volatile(                                           \
      "990: nop\n"                                        \
      ".pushsection .note.stapsdt, \"\", \"note\"\n"      \
      ".balign 4\n"                                       \
      ".4byte 992f - 991f, 994f - 993f, 3\n"              \
      "991: .asciz \"stapsdt\"\n"                         \
      "992: .balign 4\n"                                  \
      "993: .8byte 990b, 0, 0\n" /* place, base, semaphore */ \
      ".asciz \"bpftally_test\"\n"                        \
      ".asciz \"passed\"\n"                               \
      ".asciz \"-4@$" BPFTALLY_TEST_TEXT(constant) "\"\n" \
      "994: .balign 4\n"                                  \
      ".popsection\n")
