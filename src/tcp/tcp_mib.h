/* tcp_mib.h: TCP's counters under nstat's names (RFC 4022 and Linux's TcpExt); TCP_MIB(tcp, name) counts. */
#ifndef TCP_TCP_MIB_H
#define TCP_TCP_MIB_H

#define TCP_MIBS(X)                                                                                                    \
    X(ActiveOpens, "TcpActiveOpens") X(PassiveOpens, "TcpPassiveOpens") X(AttemptFails, "TcpAttemptFails")             \
    X(EstabResets, "TcpEstabResets") X(InSegs, "TcpInSegs") X(OutSegs, "TcpOutSegs") X(RetransSegs, "TcpRetransSegs")   \
    X(InErrs, "TcpInErrs") X(OutRsts, "TcpOutRsts") X(ListenOverflows, "TcpExtListenOverflows")                        \
    X(ListenDrops, "TcpExtListenDrops") X(MigrateReqSuccess, "TcpExtTCPMigrateReqSuccess")                          \
    X(MigrateReqFailure, "TcpExtTCPMigrateReqFailure") X(SyncookiesSent, "TcpExtSyncookiesSent") X(SyncookiesRecv, "TcpExtSyncookiesRecv") \
    X(SyncookiesFailed, "TcpExtSyncookiesFailed") X(ReqQFullDoCookies, "TcpExtTCPReqQFullDoCookies")                   \
    X(ReqQFullDrop, "TcpExtTCPReqQFullDrop") X(TW, "TcpExtTW") X(TWRecycled, "TcpExtTWRecycled")                       \
    X(TimeWaitOverflow, "TcpExtTCPTimeWaitOverflow")                                                                   \
    X(PAWSEstab, "TcpExtPAWSEstab") X(PAWSTimewait, "TcpExtPAWSTimewait")                                          \
    X(PAWSActive, "TcpExtPAWSActive") X(DelayedACKs, "TcpExtDelayedACKs")              \
    X(DelayedACKLost, "TcpExtDelayedACKLost") X(HPHits, "TcpExtTCPHPHits") X(PureAcks, "TcpExtTCPPureAcks")            \
    X(EmbryonicRsts, "TcpExtEmbryonicRsts") X(OutOfWindowIcmps, "TcpExtOutOfWindowIcmps") X(TWKilled, "TcpExtTWKilled") \
    X(HPAcks, "TcpExtTCPHPAcks") X(RenoRecovery, "TcpExtTCPRenoRecovery") X(SackRecovery, "TcpExtTCPSackRecovery")     \
    X(SACKReneging, "TcpExtTCPSACKReneging") X(SACKReorder, "TcpExtTCPSACKReorder") X(RenoReorder, "TcpExtTCPRenoReorder") \
    X(TSReorder, "TcpExtTCPTSReorder") X(FullUndo, "TcpExtTCPFullUndo") X(PartialUndo, "TcpExtTCPPartialUndo")         \
    X(DSACKUndo, "TcpExtTCPDSACKUndo") X(LossUndo, "TcpExtTCPLossUndo") X(LostRetransmit, "TcpExtTCPLostRetransmit")    \
    X(RenoFailures, "TcpExtTCPRenoFailures") X(SackFailures, "TcpExtTCPSackFailures") X(LossFailures, "TcpExtTCPLossFailures") \
    X(FastRetrans, "TcpExtTCPFastRetrans") X(SlowStartRetrans, "TcpExtTCPSlowStartRetrans") X(Timeouts, "TcpExtTCPTimeouts") \
    X(LossProbes, "TcpExtTCPLossProbes") X(LossProbeRecovery, "TcpExtTCPLossProbeRecovery")                            \
    X(RenoRecoveryFail, "TcpExtTCPRenoRecoveryFail")                                                                   \
    X(SackRecoveryFail, "TcpExtTCPSackRecoveryFail") X(RcvCollapsed, "TcpExtTCPRcvCollapsed")                           \
    X(MD5Unexpected, "TcpExtTCPMD5Unexpected") X(MD5NotFound, "TcpExtTCPMD5NotFound")                                  \
    X(MD5Failure, "TcpExtTCPMD5Failure") X(MinTTLDrop, "TcpExtTCPMinTTLDrop") X(BeyondWindow, "TcpExtBeyondWindow")    \
    X(DSACKOldSent, "TcpExtTCPDSACKOldSent") X(DSACKOfoSent, "TcpExtTCPDSACKOfoSent")                                  \
    X(DSACKRecv, "TcpExtTCPDSACKRecv")                                                                                 \
    X(DSACKOfoRecv, "TcpExtTCPDSACKOfoRecv") X(AbortOnData, "TcpExtTCPAbortOnData") X(AbortOnClose, "TcpExtTCPAbortOnClose") \
    X(AbortOnMemory, "TcpExtTCPAbortOnMemory") X(AbortOnTimeout, "TcpExtTCPAbortOnTimeout") X(AbortOnLinger, "TcpExtTCPAbortOnLinger") \
    X(AbortFailed, "TcpExtTCPAbortFailed") X(DeferAcceptDrop, "TcpExtTCPDeferAcceptDrop")                              \
    X(DSACKIgnoredNoUndo, "TcpExtTCPDSACKIgnoredNoUndo")                                                               \
    X(SpuriousRTOs, "TcpExtTCPSpuriousRTOs") X(SackShifted, "TcpExtTCPSackShifted") X(TimeoutsRto, "TcpExtTCPMemoryPressures") \
    X(OFOQueue, "TcpExtTCPOFOQueue") X(OFODrop, "TcpExtTCPOFODrop") X(OFOMerge, "TcpExtTCPOFOMerge")                    \
    X(ChallengeACK, "TcpExtTCPChallengeACK") X(SYNChallenge, "TcpExtTCPSYNChallenge") X(FastOpenActive, "TcpExtTCPFastOpenActive") \
    X(FastOpenActiveFail, "TcpExtTCPFastOpenActiveFail") X(FastOpenPassive, "TcpExtTCPFastOpenPassive")                 \
    X(FastOpenPassiveFail, "TcpExtTCPFastOpenPassiveFail") X(FastOpenPassiveAltKey, "TcpExtTCPFastOpenPassiveAltKey")  \
    X(FastOpenListenOverflow, "TcpExtTCPFastOpenListenOverflow")                                                       \
    X(FastOpenBlackhole, "TcpExtTCPFastOpenBlackhole") X(FastOpenCookieReqd, "TcpExtTCPFastOpenCookieReqd")            \
    X(SpuriousRtxHostQueues, "TcpExtTCPSpuriousRtxHostQueues")                                                         \
    X(AutoCorking, "TcpExtTCPAutoCorking") X(FromZeroWindowAdv, "TcpExtTCPFromZeroWindowAdv")                          \
    X(ToZeroWindowAdv, "TcpExtTCPToZeroWindowAdv")                                                                     \
    X(WantZeroWindowAdv, "TcpExtTCPWantZeroWindowAdv") X(SynRetrans, "TcpExtTCPSynRetrans")                            \
    X(TimeoutRehash, "TcpExtTcpTimeoutRehash") X(PlbRehash, "TcpExtTCPPLBRehash") X(RetransFail, "TcpExtTCPRetransFail") \
    X(DuplicateDataRehash, "TcpExtTcpDuplicateDataRehash") X(OrigDataSent, "TcpExtTCPOrigDataSent") \
    X(HystartTrainDetect, "TcpExtTCPHystartTrainDetect") X(HystartTrainCwnd, "TcpExtTCPHystartTrainCwnd")               \
    X(HystartDelayDetect, "TcpExtTCPHystartDelayDetect") X(HystartDelayCwnd, "TcpExtTCPHystartDelayCwnd")               \
    X(ACKSkippedSynRecv, "TcpExtTCPACKSkippedSynRecv") X(ACKSkippedPAWS, "TcpExtTCPACKSkippedPAWS")                    \
    X(ACKSkippedSeq, "TcpExtTCPACKSkippedSeq")                                                                         \
    X(ACKSkippedFinWait2, "TcpExtTCPACKSkippedFinWait2") X(ACKSkippedTimeWait, "TcpExtTCPACKSkippedTimeWait")           \
    X(ACKSkippedChallenge, "TcpExtTCPACKSkippedChallenge") X(WinProbe, "TcpExtTCPWinProbe") X(KeepAlive, "TcpExtTCPKeepAlive") \
    X(TSEcrRejected, "TcpExtTSEcrRejected")                                                                            \
    X(MTUPFail, "TcpExtTCPMTUPFail") X(MTUPSuccess, "TcpExtTCPMTUPSuccess") X(Delivered, "TcpExtTCPDelivered")          \
    X(DeliveredCE, "TcpExtTCPDeliveredCE") X(AckCompressed, "TcpExtTCPAckCompressed") X(ZeroWindowDrop, "TcpExtTCPZeroWindowDrop") \
    X(RcvQDrop, "TcpExtTCPRcvQDrop") X(RcvCoalesce, "TcpExtTCPRcvCoalesce") X(PAWSOldAck, "TcpExtPAWSOldAck")          \
    X(PruneCalled, "TcpExtPruneCalled")                                                                                \
    X(RcvPruned, "TcpExtRcvPruned") X(OfoPruned, "TcpExtOfoPruned") X(SACKDiscard, "TcpExtTCPSACKDiscard")              \
    X(DSACKRecvSegs, "TcpExtTCPDSACKRecvSegs") X(DSACKIgnoredOld, "TcpExtTCPDSACKIgnoredOld")                           \
    X(DSACKIgnoredDubious, "TcpExtTCPDSACKIgnoredDubious")
enum tcp_mib {
#define X(name, word) MIB_##name,
    TCP_MIBS(X)
#undef X
    MIB_COUNT
};

#endif
