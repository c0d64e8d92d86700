#pragma once

#include <string>

#include "e2e/process.h"

namespace bpftally::testing {

// Certificate files of an authority, a server, an expired server, a client, and a stranger, made by
// openssl.
class Certificates {
 public:
  // Returns what is missing to make them; empty if nothing is.
  static std::string Lacking() {
    return FindProgram("openssl").empty() ? "openssl is not on PATH (Debian package openssl)" : "";
  }

  Certificates() {
    SelfSigned("ca");
    SelfSigned("stranger");
    Issue("server", 2);
    Issue("client", 2);
    Issue("expired", 0);
    // The certificate is valid for no days: it expires within the second in which it was made.
    const std::string verify = "openssl verify -CAfile " + Pem("ca") + " " + Pem("expired");
    Eventually([&] { return Shell(verify) != 0; });
  }

  std::string Pem(const std::string& name) const { return files_.Path(name + ".pem"); }
  std::string Key(const std::string& name) const { return files_.Path(name + ".key"); }

 private:
  static int Shell(const std::string& command) {
    return RunToEnd({"/bin/sh", "-c", command}).status;
  }

  std::string NewKey(const std::string& name) const {
    return " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout " + Key(name) +
           " -subj /CN=" + name;
  }

  // Adds all extensions that RFC 5280 demands: Python 3.13 accepts no others.
  void SelfSigned(const std::string& name) const {
    Shell("openssl req -x509 -days 2 -addext keyUsage=critical,keyCertSign,cRLSign -out " +
          Pem(name) + NewKey(name));
  }

  void Issue(const std::string& name, int days) const {
    WriteFile(files_.Path("extensions"),
              "subjectAltName=IP:127.0.0.1,DNS:localhost\n"
              "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
    Shell("openssl req -out " + files_.Path("request") + NewKey(name) +
          " && openssl x509 -req -CAcreateserial -in " + files_.Path("request") + " -CA " +
          Pem("ca") + " -CAkey " + Key("ca") + " -extfile " + files_.Path("extensions") +
          " -days " + std::to_string(days) + " -out " + Pem(name));
  }

  TempDirectory files_;
};

}  // namespace bpftally::testing
